# SPDX-License-Identifier: ISC
# Mail::DKIM: `sign KEY METHOD` prints a signature of the message on standard input, `arc RECORD` what
# is to be said of its ARC sets, whose keys are all that one.
use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Net::DNS;

package OneKey;
sub new { my ($class, $record) = @_; return bless {record => $record}, $class }

sub send {    ## no critic: the name is the library's
    my ($self, $name) = @_;
    my $packet = Net::DNS::Packet->new($name, 'TXT');
    $packet->header->qr(1);
    my @parts = unpack '(a255)*', $self->{record};
    $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', ttl => 60, txtdata => [@parts]));
    return $packet;
}

sub errorstring { return 'NOERROR' }

package main;
my ($mode, @rest) = @ARGV;
my $dkim;
if ($mode eq 'sign') {
    $dkim = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256',
        Method    => $rest[1],
        Domain    => 'example.jp',
        Selector  => 'sel',
        KeyFile   => $rest[0]
    );
} else {
    Mail::DKIM::DNS::resolver(OneKey->new($rest[0]));
    $dkim = Mail::DKIM::ARC::Verifier->new;
}
binmode STDIN;
$dkim->PRINT(do { local $/; <STDIN> });
$dkim->CLOSE;
print $mode eq 'sign' ? $dkim->signature->as_string . "\r\n" : $dkim->result_detail . "\n";
