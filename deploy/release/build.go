package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A release is one run of the command.
type release struct {
	source, output, roots string
	work                  string // a folder that is removed at the end
	platforms             []platform
	signer                note.Signer // nil: the checksums are not signed
	out                   io.Writer

	// Set by buildAll.
	programs map[platform]string // the built programs' files
	browser  string              // that for browsers
	version  string              // such as 0.3.0, or 0.0.0-20261129170000-0123456789ab; without the v
	time     time.Time           // of the commit

	manual string // set by writeManual: a folder with man and completion
}

// linkFlags leave out tables for debuggers. Nothing else is given that a build on another
// machine would not have.
const linkFlags = "-s -w"

// buildAll builds the program for browsers, and then the one that knows its hash for each
// platform and, if it is none of them, for this machine, which has to run it.
func (r *release) buildAll(ctx context.Context) error {
	r.browser = filepath.Join(r.work, "sealtape.wasm")
	if err := r.goBuild(ctx, platform{"js", "wasm"}, r.browser, "./cmd/sealtape-web", "-buildvcs=false", "-ldflags="+linkFlags); err != nil {
		return err
	}
	code, err := os.ReadFile(r.browser)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(code)
	r.programs = make(map[platform]string)
	for _, p := range append(slices.Clone(r.platforms), r.here()) {
		if r.programs[p] != "" {
			continue
		}
		r.programs[p] = filepath.Join(r.work, p.os+"_"+p.arch, programName(p))
		if err := r.goBuild(ctx, p, r.programs[p], "./cmd/sealtape", "-buildvcs="+r.stamped(), "-tags=release,urfave_cli_no_docs",
			"-ldflags="+linkFlags+" -X main.programSum="+hex.EncodeToString(sum[:])); err != nil {
			return err
		}
	}
	return r.ask(r.programs[r.here()])
}

// here is the platform of this machine.
func (r *release) here() platform { return platform{runtime.GOOS, runtime.GOARCH} }

func programName(p platform) string {
	if p.os == "windows" {
		return "sealtape.exe"
	}
	return "sealtape"
}

// stamped says whether there is a repository that the Go command can ask for the version.
func (r *release) stamped() string {
	if _, err := os.Stat(filepath.Join(r.source, ".git")); err != nil {
		return "false"
	}
	return "true"
}

// goBuild builds a package of the source. It links no C, so that every machine builds for
// every other.
func (r *release) goBuild(ctx context.Context, p platform, to, pkg string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-trimpath", "-o", to}, args, []string{pkg})...)
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %s: %w\n%s", pkg, p, err, text)
	}
	return nil
}

// ask takes the version and the time of the commit from what the Go command wrote into a
// program. A source without a repository has neither.
func (r *release) ask(program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	r.version, r.time = strings.TrimPrefix(info.Main.Version, "v"), time.Unix(0, 0).UTC()
	if r.version == "" || r.version == "(devel)" {
		r.version = "0.0.0"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			if r.time, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return fmt.Errorf("the time of the commit: %w", err)
			}
		}
	}
	return nil
}

// name is that of a file of the release.
func (r *release) name(rest string) string { return "sealtape_" + r.version + rest }

// writeManual has this machine's program print the manual and the completion of shells.
func (r *release) writeManual(ctx context.Context) error {
	r.manual = filepath.Join(r.work, "manual")
	program := r.programs[r.here()]
	if err := r.runProgram(ctx, program, nil, "manual", "-o", filepath.Join(r.manual, "man")); err != nil {
		return err
	}
	folder := filepath.Join(r.manual, "completion")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for shell, name := range map[string]string{"bash": "sealtape", "zsh": "_sealtape", "fish": "sealtape.fish"} {
		f, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		err = r.runProgram(ctx, program, f, "completion", shell)
		if cerr := f.Close(); err != nil || cerr != nil {
			return fmt.Errorf("completion for %s: %w", shell, firstOf(err, cerr))
		}
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// runProgram runs a built program with a home that is empty.
func (r *release) runProgram(ctx context.Context, program string, out io.Writer, args ...string) error {
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"HOME=" + r.work, "SEALTAPE_HOME=" + filepath.Join(r.work, "home")}
	cmd.Stdout, cmd.Stderr = out, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sealtape %s: %w: %s", args[0], err, strings.TrimSpace(complaint.String()))
	}
	return nil
}
