# SPDX-License-Identifier: ISC
# What Mail::SPF says: reads {"records": see Table.pm, "asked": [{"client", "domain", "local", "helo",
# "mail_from"}]}, and prints a list of [result, explanation]. Without "mail_from" it is the name of HELO.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Mail::SPF;
use Table;

my $input  = JSON::PP->new->utf8->decode(do { local $/; <STDIN> });
my $server = Mail::SPF::Server->new(
    dns_resolver         => Table->new($input->{records}),
    hostname             => 'mx.example.jp',
    query_rr_types       => Mail::SPF::Server->query_rr_type_txt,
    max_void_dns_lookups => 2
);
my @results;
for my $case (@{$input->{asked}}) {
    my $result = eval {
        my $request = Mail::SPF::Request->new(
            versions => [1],
            scope    => $case->{mail_from} ? 'mfrom' : 'helo',
            identity => $case->{mail_from} || $case->{helo},
            ip_address    => $case->{client},
            helo_identity => $case->{helo}
        );
        $server->process($request);
    };
    my $why = $result && $result->can('authority_explanation') ? eval { $result->authority_explanation } : '';
    push @results, $result ? [$result->code, defined $why ? "$why" : ''] : ["broken", "$@"];
}
print JSON::PP->new->utf8->encode(\@results), "\n";
