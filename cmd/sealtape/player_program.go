package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/site"
)

const (
	// programName is what the program for browsers is called where it is released.
	programName = "sealtape.wasm"
	// programInPackages is where packages for Linux have it, from the command.
	programInPackages = "../lib/sealtape/" + programName
	// programPackage is what it is built from.
	programPackage = "./cmd/sealtape-web"
	moduleName     = "github.com/sealtape/sealtape"
	// maxProgram is the largest that is read.
	maxProgram = 64 << 20
)

// programSum is the SHA-256, in hex, of the program that was released with this version.
// make release sets it. Without, the program is built from the source.
var programSum string

// A browserProgram is a program for browsers, and the script that they run it by.
type browserProgram struct{ code, glue []byte }

var errNoProgram = errors.New("no program for browsers")

// program returns the one of this version.
func (o *wasmOption) program(ctx context.Context, e *ui.Env) (browserProgram, error) {
	if o.wasm != "" {
		code, err := readProgram(o.wasm)
		if err != nil {
			return browserProgram{}, err
		}
		if programSum == "" {
			e.Warnf("this sealtape was not released, and names no hash: %s is taken as it is", o.wasm)
		} else if err := matches(code); err != nil {
			return browserProgram{}, fmt.Errorf("%s: %w", o.wasm, err)
		}
		return browserProgram{code, site.Glue()}, nil
	}
	if programSum != "" {
		for _, name := range []string{programName, programInPackages} {
			if code, err := readProgram(beside(name)); err == nil && matches(code) == nil {
				return browserProgram{code, site.Glue()}, nil
			}
		}
	}
	p, err := buildProgram(ctx, e)
	if err == nil && programSum != "" {
		err = matches(p.code)
	}
	return p, err
}

func readProgram(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.Size() > maxProgram || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no program for browsers", path)
	}
	code, err := os.ReadFile(path)
	if err == nil && !bytes.HasPrefix(code, []byte("\x00asm")) {
		err = fmt.Errorf("%s is no program for browsers", path)
	}
	return code, err
}

// matches refuses a program that is not the one that was released with this version.
func matches(code []byte) error {
	if sum := sha256.Sum256(code); hex.EncodeToString(sum[:]) != programSum {
		return ui.Hinted(fmt.Errorf("its SHA-256 is %x, want %s", sum, programSum),
			"take the "+programName+" that was released with "+moduleVersion()+"; it is the same if it is built with the same version of Go")
	}
	return nil
}

// buildProgram compiles it, with the Go of this machine.
func buildProgram(ctx context.Context, e *ui.Env) (p browserProgram, err error) {
	source, err := moduleSource(ctx)
	if err != nil {
		return p, ui.Hinted(err, "give it the file that was released with this version, or run it in a clone of the source, with Go installed",
			"sealtape player --wasm "+programName+" -o PATH")
	}
	dir, err := os.MkdirTemp("", "sealtape-player-")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e.Notef("Building the program for browsers, and packing it: some minutes the first time, half a minute later.")
	out := filepath.Join(dir, programName)
	cmd := goCommand(ctx, source, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, programPackage)
	cmd.Env = append(cmd.Env, "GOOS=js", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if _, err := outputOf(cmd); err != nil {
		return p, err
	}
	if p.code, err = readProgram(out); err != nil {
		return p, err
	}
	root, err := outputOf(goCommand(ctx, source, "env", "GOROOT"))
	if err != nil {
		return p, err
	}
	p.glue, err = os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	return p, err
}

// moduleSource returns the folder with the source of this version: that which the module
// cache has, or a clone that this command runs in.
func moduleSource(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("%w, and no Go to build it with", errNoProgram)
	}
	if version := moduleVersion(); strings.HasPrefix(version, "v") && !strings.Contains(version, "+dirty") {
		var module struct{ Dir string }
		text, err := outputOf(goCommand(ctx, "", "mod", "download", "-json", moduleName+"@"+version))
		if err == nil && json.Unmarshal([]byte(text), &module) == nil && module.Dir != "" {
			return module.Dir, nil
		}
	}
	for dir, err := os.Getwd(); err == nil; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+moduleName+"\n") {
			return dir, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
	}
	return "", fmt.Errorf("%w, and no source to build it from", errNoProgram)
}

// goCommand is the Go command in a folder, without our secrets.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, withoutSecrets(os.Environ())
	return cmd
}

// outputOf returns what a command prints. The error has what it complained of.
func outputOf(cmd *exec.Cmd) (string, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w: %s", cmd.Args[1], err, ui.Clean(strings.TrimSpace(complaint.String())))
	}
	return strings.TrimSpace(string(out)), err
}
