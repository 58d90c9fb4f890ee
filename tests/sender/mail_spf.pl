# SPDX-License-Identifier: ISC
# What Mail::SPF says: reads {"records": {"NAME TYPE": [...]}, "asked": [[CLIENT, DOMAIN], ...]}, and
# prints a list of results.
use strict;
use warnings;
use JSON::PP;
use Mail::SPF;
use Net::DNS;

package Table;
sub new { my ($class, $records) = @_; return bless {records => $records}, $class }

sub send {    ## no critic: the name is the library's
    my ($self, $name, $type) = @_;
    $name = lc $name;
    $name =~ s/\.$//;
    my $packet = Net::DNS::Packet->new($name, $type);
    $packet->header->qr(1);
    my $known = grep { (split ' ')[0] eq $name } keys %{$self->{records}};
    $packet->header->rcode($known ? 'NOERROR' : 'NXDOMAIN');
    for my $value (@{$self->{records}{"$name $type"} || []}) {
        my %rr = (name => $name, type => $type, ttl => 60);
        if ($type eq 'A' || $type eq 'AAAA') { $rr{address} = $value }
        elsif ($type eq 'MX') { @rr{qw(preference exchange)} = split ' ', $value }
        elsif ($type eq 'TXT') { $rr{txtdata} = [$value] }
        else                   { $rr{ptrdname} = $value }
        $packet->push(answer => Net::DNS::RR->new(%rr));
    }
    return $packet;
}

sub errorstring { return '' }

package main;
my $input  = JSON::PP->new->decode(do { local $/; <STDIN> });
my $server = Mail::SPF::Server->new(
    dns_resolver         => Table->new($input->{records}),
    hostname             => 'mx.example.jp',
    query_rr_types       => Mail::SPF::Server->query_rr_type_txt,
    max_void_dns_lookups => 2
);
my @results;
for my $case (@{$input->{asked}}) {
    my $request = Mail::SPF::Request->new(
        versions      => [1],
        scope         => 'mfrom',
        identity      => "tama\@$case->[1]",
        ip_address    => $case->[0],
        helo_identity => 'mail.test.example'
    );
    push @results, $server->process($request)->code;
}
print JSON::PP->new->encode(\@results), "\n";
