# SPDX-License-Identifier: ISC
# The doors of the project. Each target first installs what it needs (scripts/install-packages:
# nothing to do, and no root needed, when it is there) and asks nothing. Building itself is
# Meson's; scripts/build says with which options.

PREFIX ?= /usr
LOCALSTATEDIR ?= /var
FUZZ_SECONDS ?= 20
SOAK_MINUTES ?= 30
export PREFIX LOCALSTATEDIR

.PHONY: build run test check bench soak fuzz install uninstall deb clean help

build: ## the optimised program, build/hayauma
	@scripts/install-packages build
	@scripts/build optimised

run: ## a mail server for example.test on loopback, with a first message and its journey
	@scripts/install-packages build
	@scripts/build optimised
	@exec scripts/demo

test: ## everything: style, unit, dialogue and fuzz corpora under sanitizers, whole hosts
	@scripts/install-packages build test world deb
	@exec scripts/run-tests

check: ## the quick part of it, for every few minutes
	@scripts/install-packages build test
	@exec scripts/run-tests --quick

bench: ## figures, beside Postfix + Dovecot when this is root and they are there
	@scripts/install-packages build bench
	@scripts/build optimised all bench-tools
	@exec bench/run

soak: ## faults under load for SOAK_MINUTES, valgrind, the other ways of switching fibers
	@scripts/install-packages build test world deb soak
	@exec scripts/soak $(SOAK_MINUTES)

fuzz: ## each fuzz target for FUZZ_SECONDS
	@scripts/install-packages build test
	@exec scripts/fuzz $(FUZZ_SECONDS)

install: ## program, units, users, man pages, completion; DESTDIR, PREFIX as usual
	@scripts/install-packages build
	@scripts/build optimised
	@exec scripts/install

uninstall: ## removes what install has laid down; settings, users and mail stay
	@exec scripts/uninstall

deb: ## a Debian package, build/hayauma_VERSION_ARCHITECTURE.deb
	@scripts/install-packages build deb
	@scripts/build optimised
	@exec scripts/make-deb

clean: ## removes what the others built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z]*\): ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
