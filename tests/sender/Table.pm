# SPDX-License-Identifier: ISC
# A resolver of Net::DNS that is a table: {"NAME TYPE": [[STRING, ...], ...]}. A string in place of the list
# is a trouble, "!servfail" (tests/sender/suites.py).
package Table;
use strict;
use warnings;
use Net::DNS;

sub new {
    my ($class, $records) = @_;
    my %names;
    for my $key (keys %$records) {
        my @labels = split /\./, (split / [^ ]*$/, $key)[0];
        $names{join '.', @labels[$_ .. $#labels]} = 1 for 0 .. $#labels;
    }
    return bless {records => $records, names => \%names, error => 'NOERROR'}, $class;
}

sub _add {
    my ($packet, $name, $type, $strings) = @_;
    my %rr = (name => $name, type => $type, ttl => 60);
    if    ($type =~ /^A/)    { $rr{address} = $strings->[0] }
    elsif ($type eq 'MX')    { @rr{qw(preference exchange)} = split ' ', $strings->[0] }
    elsif ($type eq 'PTR')   { $rr{ptrdname} = $strings->[0] }
    elsif ($type eq 'CNAME') { $rr{cname} = $strings->[0] }
    else                     { $rr{txtdata} = [map { length ? unpack '(a255)*', $_ : '' } @$strings] }
    $packet->push(answer => Net::DNS::RR->new(%rr));
    return;
}

sub send {    ## no critic: the name is the library's
    my ($self, $name, $type) = @_;
    $name = lc $name;
    $name =~ s/\.$//;
    my $packet = Net::DNS::Packet->new($name, $type);
    $packet->header->qr(1);
    $packet->header->rcode($self->{names}{$name} ? 'NOERROR' : 'NXDOMAIN');
    $self->{error} = 'NOERROR';
    if (my $alias = $self->{records}{"$name CNAME"}) {
        _add($packet, $name, 'CNAME', $alias->[0]);
        $name = lc $alias->[0][0];
    }
    for my $one (@{$self->{records}{"$name $type"} || []}) {
        if (ref $one) { _add($packet, $name, $type, $one) }
        elsif ($one !~ /truncated|forged/) {
            $self->{error} = 'query timed out';
            return if $one eq '!timeout';
            $packet->header->rcode('SERVFAIL');
        }
    }
    return $packet;
}

sub query       { goto &send }
sub errorstring { return $_[0]{error} }

1;
