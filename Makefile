# make test is the whole check; make help lists the rest.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
TESTFLAGS = -race -count=1 -timeout 20m
FUZZTIME ?= 10s
# how long each of the two recordings of a full room lasts
MEETING ?= 5m

GOFILES = $(shell find . -name node_modules -prune -o -name '*.go' -print)

.PHONY: help build test deps check bench soak fuzz fmt

help:
	@echo 'make build   build ./sealtape'
	@echo 'make test    install what the tests need, check the code, run all tests with -race'
	@echo 'make check   formatting, go.mod, vet and staticcheck only'
	@echo 'make bench   compare what has a target with its yardstick, as a table'
	@echo 'make soak    run what takes minutes of real time: a network that is out, play for SOAK=12m'
	@echo 'make fuzz    run every fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make fmt     format the Go files'

build:
	go build -o sealtape ./cmd/sealtape

# Tests with servers and browsers in real time come last, one package at a
# time: they should not have to share two cores with scrypt and the compiler.
# Those that mostly wait do so beside one another.
test: deps check
	pkgs=$$(.ci/packages rest) && go test $(TESTFLAGS) $$pkgs
	cd testdata/clock/yardstick && go test $(TESTFLAGS) .
	pkgs=$$(.ci/packages live) && go test $(TESTFLAGS) -p 1 -parallel 4 $$pkgs

deps: testdata/browser/node_modules/.package-lock.json testdata/witness/node_modules/.package-lock.json keys/web/node_modules/.package-lock.json
	.ci/deps

%/node_modules/.package-lock.json: %/package-lock.json
	.ci/deps
	cd $* && npm ci --no-audit --no-fund
	touch $@

check:
	@files=$$(gofmt -l $(GOFILES)); test -z "$$files" || { echo "not formatted, run make fmt:" $$files; exit 1; }
	go mod tidy -diff
	cd testdata/clock/yardstick && go mod tidy -diff && go vet .
	pkgs=$$(.ci/packages) && go vet $$pkgs
	pkgs=$$(.ci/packages) && go run $(STATICCHECK) $$pkgs

bench:
	@for d in testdata/clock testdata/clock/yardstick; do (cd $$d && go test -count=1 -v . | grep 'two tracks'); done
	MEETING=$(MEETING) .ci/bench ./archive ./archive/s3 ./playback ./recorder/frame ./testdata/pipeline ./testdata/meeting ./testdata/player

soak:
	pkgs=$$(.ci/packages live) && go vet -tags soak $$pkgs && go test -tags soak -run Soak -v -p 1 -timeout 60m $$pkgs

fuzz:
	pkgs=$$(.ci/packages) && .ci/fuzz $(FUZZTIME) $$pkgs

fmt:
	gofmt -w $(GOFILES)
