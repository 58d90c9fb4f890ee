# SPDX-License-Identifier: ISC
# Mail::DKIM: `sign KEY METHOD` prints a signature of the message on standard input. `verify` reads {"records":
# see Table.pm, "asked": [MESSAGE, ...]} and prints [{"dkim": [RESULT, ...], "arc": RESULT}, ...].
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Table;

sub feed {
    my ($dkim, $message) = @_;
    $dkim->PRINT($message);
    $dkim->CLOSE;
    return $dkim;
}

sub judge {
    my ($message) = @_;
    my @dkim = eval { map { $_->result } feed(Mail::DKIM::Verifier->new, $message)->signatures };
    @dkim = ('broken') if $@;
    my $arc = eval { feed(Mail::DKIM::ARC::Verifier->new, $message)->result } || 'broken';
    return {dkim => \@dkim, arc => $arc};
}

my ($mode, $key, $method) = @ARGV;
binmode STDIN;
my $input = do { local $/; <STDIN> };
if ($mode eq 'sign') {
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256',
        Method    => $method,
        Domain    => 'example.jp',
        Selector  => 'sel',
        KeyFile   => $key
    );
    print feed($signer, $input)->signature->as_string, "\r\n";
} else {
    my $asked = JSON::PP->new->utf8->decode($input);
    Mail::DKIM::DNS::resolver(Table->new($asked->{records}));
    print JSON::PP->new->utf8->encode([map { judge($_) } @{$asked->{asked}}]), "\n";
}
