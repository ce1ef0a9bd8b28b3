# make test runs all tests; make help lists the rest.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
FUZZTIME ?= 10s
# how long each of the two recordings of a full room lasts
MEETING ?= 5m

# packages with tests that take minutes of real time
SOAKS = ./recorder/livekit ./testdata/player ./cmd/sealtape

# what is no part of this module, so that this module needs none of what they do
MODULES = deploy/release deploy/strict testdata/clock/yardstick

# what a released sealtape is built with: without the demo and its servers, without what
# the command line library makes manuals with, and without tables for debuggers
RELEASE = -tags release,urfave_cli_no_docs

# prints the files that a released sealtape is made of: given by name they are vetted as they
# are; for other tags vet would go through all dependencies again
RELEASED = {{range .GoFiles}}{{$$.Dir}}/{{.}} {{end}}{{range .TestGoFiles}}{{$$.Dir}}/{{.}} {{end}}

GOFILES = $(shell find . -name node_modules -prune -o -name '*.go' -print)

.PHONY: help build release demo quick test test-all test-packages deps check bench soak fuzz fmt

help:
	@echo 'Times are those of two cores with warm caches; the first time in a fresh clone, add what compiling takes.'
	@echo
	@echo 'make demo      a meeting, its recording, and what it takes to open it: 40 s, 4 minutes the first time'
	@echo '               (DEMO="--s3 --duration 30s" for its flags)'
	@echo 'make build     build ./sealtape as it is released, without the demo: 5 s'
	@echo 'make release   the same, the same bytes wherever the clone is; and dist/: archives for six platforms,'
	@echo '               image, deb, rpm, chart, SBOMs, checksums (KEY=FILE signs them): 15 minutes in a fresh clone'
	@echo 'make quick     what needs no servers, browsers or other processes, for while you work: 1 to 2 minutes'
	@echo 'make test      the checks below and every test, against real servers and browsers, with a'
	@echo '               sample of what has many cases, another every day: 8 minutes, 18 with empty caches'
	@echo 'make test-all  every test with every case, watched by the race detector: 25 minutes'
	@echo 'make test-packages  a release, twice, and what operators get of it, tried as root: 10 minutes'
	@echo 'make check     formatting, go.mod, vet and staticcheck: 30 s'
	@echo 'make bench     what has a target beside its yardstick, as a table: 25 minutes'
	@echo '               (BENCH=Fleet .ci/bench ./testdata/meeting: how many rooms a worker can record, 5 minutes)'
	@echo 'make soak      what takes minutes of real time: a network that is out, play for SOAK=12m, a fleet with'
	@echo '               ROOMS=50: 30 minutes (TEST=Fleet SOAKS=./cmd/sealtape: the fleet alone, 10 minutes)'
	@echo 'make fuzz      every fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make fmt       format the Go files'

build:
	go build $(RELEASE) -ldflags '-s -w' -o sealtape ./cmd/sealtape

# sealtape knows the hash of the program for browsers that is released with it.
release:
	GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags '-s -w' -o sealtape.wasm ./cmd/sealtape-web
	go build -trimpath $(RELEASE) -ldflags "-s -w -X main.programSum=$$(sha256sum sealtape.wasm | cut -d' ' -f1)" -o sealtape ./cmd/sealtape
	cd deploy/release && go run . $(if $(KEY),-key $(abspath $(KEY)))

demo:
	@go run ./testdata/demo $(DEMO)

quick:
	go test -short -vet=off -ldflags=-w $$(.ci/packages)

# .ci/test checks the code, too.
test: deps
	.ci/test

test-all: deps
	.ci/test all

test-packages:
	.ci/test-packages

deps: testdata/browser/node_modules/.package-lock.json testdata/matrixjs/node_modules/.package-lock.json testdata/native/node_modules/.package-lock.json testdata/typescript/node_modules/.package-lock.json testdata/witness/node_modules/.package-lock.json keys/web/node_modules/.package-lock.json
	.ci/deps

%/node_modules/.package-lock.json: %/package-lock.json
	.ci/deps
	cd $* && npm ci --no-audit --no-fund
	touch $@

check:
	@files=$$(gofmt -l $(GOFILES)); test -z "$$files" || { echo "not formatted, run make fmt:" $$files; exit 1; }
	go mod tidy -diff
	for m in $(MODULES); do (cd $$m && go mod tidy -diff && go vet .) || exit 1; done
	pkgs=$$(.ci/packages) && go vet -tags packages $$pkgs
	files=$$(go list -tags release -f '$(RELEASED)' ./cmd/sealtape) && go vet -tags packages $$files
	pkgs=$$(.ci/packages) && GOGC=200 go run $(STATICCHECK) $$pkgs

bench:
	@for d in testdata/clock testdata/clock/yardstick; do (cd $$d && SEALTAPE_TEST_ALL=1 go test -count=1 -v . | grep 'two tracks\|odd sender:'); done
	MEETING=$(MEETING) .ci/bench ./archive ./archive/s3 ./playback ./recorder/frame ./testdata/pipeline ./testdata/meeting ./testdata/player ./cmd/sealtape-web

soak:
	go vet -tags soak $(SOAKS)
	go test -tags soak -run 'Soak$(TEST)' -v -p 1 -timeout 60m $(SOAKS)

fuzz:
	pkgs=$$(.ci/packages) && .ci/fuzz $(FUZZTIME) $$pkgs

fmt:
	gofmt -w $(GOFILES)
