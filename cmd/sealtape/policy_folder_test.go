package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// A folder of policies that is looked at is read when it has changed, and not else. What is wrong
// is said once, and taken when it was mended.
func TestPoliciesEvery(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		// As an editor, or a mounted config map: never half of it.
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", "rooms: x\n")
	reads, taken := make(chan error, 100), make(chan int, 100)
	f := &policyFolder{dir: dir, stamp: fleet.StampOf(dir), every: time.Millisecond, log: slog.New(slog.DiscardHandler),
		read: func() (*fleet.Policies, error) {
			p, err := fleet.ReadPolicies(dir, nil)
			reads <- err
			return p, err
		},
		take: func(p *fleet.Policies) { taken <- len(p.All()) }}
	var g workers.Group
	f.again(context.Background(), &g)
	write("b.yaml", "rooms: y\n")
	if n := <-taken; n != 2 || <-reads != nil {
		t.Errorf("%d policies", n)
	}
	write("c.yaml", "rooms: []\n")
	for range 3 { // it may lack what stands elsewhere
		if err := <-reads; err == nil || !strings.Contains(err.Error(), "c.yaml") {
			t.Error(err)
		}
	}
	write("c.yaml", "rooms: [a-name]\n")
	for <-reads != nil {
	}
	if n := <-taken; n != 3 {
		t.Errorf("%d policies", n)
	}
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
	if len(reads) > 1 || len(taken) > 1 { // once more, if it was read while it changed
		t.Errorf("it was read %d times more", len(reads))
	}
}
