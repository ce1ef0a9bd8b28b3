//go:build unix

package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// A command whose store is away ends with the first signal and says what to do, and
// one that cannot end does with the second: also where a shell has it ignore SIGINT,
// as it does with what a script puts in the background.
func TestSignals(t *testing.T) {
	t.Parallel()
	bin := tools.get(t)
	// A server that accepts and never answers.
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	asked := make(chan struct{}, 100)
	go func() {
		var all []net.Conn
		for {
			c, err := hung.Accept()
			if err != nil {
				for _, c := range all {
					c.Close()
				}
				return
			}
			all = append(all, c)
			asked <- struct{}{}
		}
	}()
	folder := t.TempDir()
	home := filepath.Join(folder, "home")
	vars := append(os.Environ(), "SEALTAPE_HOME="+home, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=us-east-1",
		"AWS_ENDPOINT_URL=http://"+hung.Addr().String(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `trap "" INT; exec sealtape "$@"`, "sh"}, args...)...)
		cmd.Env = vars
		return cmd
	}
	if out, err := run("keys", "init", "--name", "Ada", "--recorder", "--no-passphrase").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	id := strings.Repeat("0", 26)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, args := range [][]string{
			{"recover", "--store", filepath.Join(folder, "a"), "--store", "s3://bucket/a"},
			{"repair", id, "--store", filepath.Join(folder, "a"), "--store", "s3://bucket/a"},
			{"verify", id, "--store", "s3://bucket/a"},
			{"doctor", "--store", filepath.Join(folder, "a"), "--store", "s3://bucket/a"},
		} {
			cmd := run(args...)
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait() // or the test takes too long
			if code := cmd.ProcessState.ExitCode(); code != ui.ExitFailed || !strings.HasPrefix(errs.String(), "sealtape: interrupted\n") {
				t.Errorf("%v, %s: exit code %d, %v\n%s", sig, args[0], code, err, errs.String())
			}
		}

		// What reads a pipe does not look at signals.
		pipe := filepath.Join(folder, "pipe"+sig.String())
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := run("keys", "add", pipe)
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the one who reads
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		lines := bufio.NewScanner(errs)
		for _, want := range []string{"another one ends this at once", "ended by a second signal"} {
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if !lines.Scan() || !strings.Contains(lines.Text(), want) {
				t.Errorf("%v: says %q, want %q", sig, lines.Text(), want)
			}
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != ui.ExitFailed {
			t.Errorf("%v: %v", sig, err)
		}
	}
}
