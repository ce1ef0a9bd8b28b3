// Package engine runs a reader's own program that writes down what is said.
//
// The program gets sound on standard input, or as a file in memory, and answers on
// standard output, or in a file in memory. Nothing in the clear gets onto a disk. Its
// environment has nothing but what it needs to run.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sealtape/sealtape/internal/child"
)

// Placeholders in a command.
const (
	In  = "{}"    // the file with the sound
	Out = "{out}" // the file to write, with or without an ending
)

// maxLines is how many lines that it says an error has.
const maxLines = 5

// ErrUnsupported reports that this system has no files in memory for a placeholder.
var ErrUnsupported = errors.New("this system has no files in memory")

// ErrTooMuch reports that a program writes more than any transcript has.
var ErrTooMuch = errors.New("the command writes more than a transcript can have")

// A FailedError reports that the program failed.
type FailedError struct {
	Err  error  // how it ended
	Said string // the last lines that it wrote to standard error
}

func (e *FailedError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("the command failed: %v", e.Err)
	}
	return fmt.Sprintf("the command failed: %v: %s", e.Err, e.Said)
}

// Run runs a command line by the system's shell, with the sound that feed writes, and
// returns what it answers: at most max bytes. The end of ctx ends the command and all that it
// started. The error is that of feed, or a *FailedError, or wraps ErrTooMuch or
// ErrUnsupported.
func Run(ctx context.Context, line string, max int64, feed func(io.Writer) error) (answer []byte, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var dir *folder
	if strings.Contains(line, Out) {
		if dir, err = newFolder(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, dir.remove()) }()
		line = strings.ReplaceAll(line, Out, filepath.Join(dir.path, "out"))
	}
	var sound *os.File
	if strings.Contains(line, In) {
		if sound, err = memoryFile(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, sound.Close()) }()
		if err := feed(sound); err != nil {
			return nil, err
		}
		line = strings.ReplaceAll(line, In, "/dev/fd/3")
	}
	cmd := child.Command(ctx, kept, "/bin/sh", "-c", line)
	out, said := &limited{max: max, full: func() { cancel(ErrTooMuch) }}, &child.Said{}
	cmd.Stdout, cmd.Stderr = out, said
	var in *os.File
	if sound != nil {
		cmd.ExtraFiles = []*os.File{sound}
	} else {
		var read *os.File
		if read, in, err = os.Pipe(); err != nil {
			return nil, err
		}
		cmd.Stdin = read
		defer read.Close() // all that it has is in the child
	}
	if err := cmd.Start(); err != nil {
		if in != nil {
			err = errors.Join(err, in.Close())
		}
		return nil, err
	}
	fed := make(chan error, 1)
	go func() {
		if in == nil {
			fed <- nil
			return
		}
		err := feed(in)
		if cerr := in.Close(); err == nil {
			err = cerr
		}
		if err != nil && !errors.Is(err, syscall.EPIPE) {
			cancel(err)
		}
		fed <- err
	}()
	ended := cmd.Wait()
	if r, ok := cmd.Stdin.(*os.File); ok {
		_ = r.Close() // so that what still feeds it ends
	}
	feeding := <-fed
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	switch {
	case errors.Is(ended, exec.ErrWaitDelay):
		return nil, &FailedError{errors.New("what it started goes on, and may still write"), lastOf(said.Lines())}
	case ended != nil:
		return nil, &FailedError{ended, lastOf(said.Lines())}
	case feeding != nil && !errors.Is(feeding, syscall.EPIPE):
		return nil, feeding
	case dir != nil:
		return dir.read(max)
	}
	return out.kept.Bytes(), nil
}

// kept are the variables that a program needs to find itself, its models and its devices:
// no secrets of ours are in them.
var kept = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "TMPDIR", "TZ", "SHELL",
	"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS", "XDG_CACHE_HOME", "VIRTUAL_ENV"}

func lastOf(lines []string) string { return strings.Join(lines[max(0, len(lines)-maxLines):], "; ") }

// A limited keeps what is written to it, up to max bytes.
type limited struct {
	kept bytes.Buffer // no part of its methods: io.Copy would read past max
	max  int64
	full func()
}

func (l *limited) Write(b []byte) (int, error) {
	if int64(l.kept.Len()+len(b)) > l.max {
		l.full()
		return 0, ErrTooMuch
	}
	return l.kept.Write(b)
}

// A folder is one in memory for what a program writes.
type folder struct {
	path string
	held *os.File // locked, so that nobody else takes it for one that was left behind
}

func (f *folder) remove() error { return errors.Join(os.RemoveAll(f.path), f.held.Close()) }

// read returns the one file that the program wrote.
func (f *folder) read(max int64) ([]byte, error) {
	files, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	if len(files) != 1 || !files[0].Type().IsRegular() {
		return nil, &FailedError{Err: fmt.Errorf("it wrote %d files to %s, want one", len(files), Out)}
	}
	file, err := os.Open(filepath.Join(f.path, files[0].Name()))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, max+1))
	if err == nil && int64(len(b)) > max {
		err = ErrTooMuch
	}
	return b, err
}
