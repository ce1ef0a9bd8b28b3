// Command release makes all that operators are given of a version of Sealtape, into one
// folder: archives with the program for six platforms, an OCI image, Debian and RPM packages,
// a Helm chart, the other files of deploy/, bills of materials and signed checksums.
//
// It takes the source of this clone, the Go command and the module cache, and reaches no
// network and no daemon. The same commit makes the same bytes: every time is the commit's, and
// every list is sorted. What a file holds besides is the machine's CA certificates, in the
// image; -roots names another file of them.
//
// "make release" runs it. The program's own order is that of func (r *release) all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run is main with errors.
func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("release", flag.ContinueOnError)
	var (
		source    = f.String("source", "../..", "the `FOLDER` of the clone")
		output    = f.String("o", "../../dist", "the `FOLDER` to make; files in it are replaced")
		platforms = f.String("platforms", strings.Join(allPlatforms(), ","), "what to make, with commas between")
		roots     = f.String("roots", "/etc/ssl/certs/ca-certificates.crt", "a `FILE` of CA certificates for the image, as Debian's ca-certificates makes it")
		key       = f.String("key", "", "sign the checksums by the key in this `FILE`, as -keygen made it")
		keygen    = f.String("keygen", "", "make a key with this `NAME`: the secret goes to the file of -key, the public one is printed")
		check     = f.String("check", "", "check the files in this `FOLDER` against its checksums, and those against the public key in -verifier")
		verifier  = f.String("verifier", "", "the public `KEY` that -keygen printed")
	)
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("what is %q?", f.Arg(0))
	case *keygen != "":
		return makeKey(*keygen, *key, out)
	case *check != "":
		return checkFolder(*check, *verifier, out)
	}
	r := &release{source: *source, output: *output, roots: *roots, out: out}
	for p := range strings.SplitSeq(*platforms, ",") {
		if !slices.Contains(allPlatforms(), p) {
			return fmt.Errorf("the platform %q is none of %s", p, strings.Join(allPlatforms(), ", "))
		}
		os, arch, _ := strings.Cut(p, "/")
		r.platforms = append(r.platforms, platform{os, arch})
	}
	if *key != "" { // read first: a wrong one is not found out after minutes
		signer, err := readKey(*key)
		if err != nil {
			return err
		}
		r.signer = signer
	}
	return r.all(ctx)
}

// A platform is an operating system and an architecture, in Go's words.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// allPlatforms are those that are released.
func allPlatforms() []string {
	return []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}
}

// all makes everything.
func (r *release) all(ctx context.Context) (err error) {
	if r.work, err = os.MkdirTemp("", "sealtape-release-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.work)) }()
	if err := os.RemoveAll(r.output); err != nil {
		return err
	}
	if err := os.MkdirAll(r.output, 0o755); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		r.buildAll,    // the program, for each platform, and what it says of itself
		r.writeManual, // manual pages and completion, which it prints
		r.archives,
		r.systems,
		r.image,
		r.charts,
		r.bills,
		r.sums,
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// tell says what was made.
func (r *release) tell(name string) { fmt.Fprintln(r.out, filepath.Join(r.output, name)) }

// create makes a file of the release, lets write fill it, and tells of it.
func (r *release) create(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(filepath.Join(r.output, name))
	if err != nil {
		return err
	}
	err = write(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.tell(name)
	return nil
}
