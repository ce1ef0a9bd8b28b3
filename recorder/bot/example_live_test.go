//go:build unix

package bot_test

import (
	"io"
	"os"
	"regexp"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// TestExampleRecord runs the example against a real server, with a member who speaks
// and then leaves.
func TestExampleRecord(t *testing.T) {
	sample.Live(t)
	lk, err := servers.StartLiveKit(t.Context(), servers.LiveKitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lk.Stop(); err != nil {
			t.Error(err)
		}
	})
	folder, store := t.TempDir(), t.TempDir()
	for name, value := range map[string]string{
		"SEALTAPE_HOME": folder, "SEALTAPE_STORE": store, "SEALTAPE_E2EE_PASSPHRASE": "a passphrase of the room",
		"LIVEKIT_URL": lk.URL, "LIVEKIT_API_KEY": lk.APIKey, "LIVEKIT_API_SECRET": lk.APISecret,
	} {
		t.Setenv(name, value)
	}
	home, err := keys.OpenHome(folder)
	if err != nil {
		t.Fatal(err)
	}
	me, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ada, err := members.Join(t.Context(), members.Config{URL: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Room: "weekly",
		Identity: "ada", Name: "Ada", Passphrase: "a passphrase of the room", Audio: media.Speech(0)})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s, err := dir.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := archive.Options{Verifiers: note.VerifierList(me.Verifier()), Identities: me.AgeIdentities()}
	out := make(chan string, 1)
	go func() { out <- printed(t, ExampleRecord) }()
	var id, said string
	for said == "" {
		select {
		case said = <-out:
		case <-time.After(50 * time.Millisecond):
			// Once a part of it is in the store, it is told to end.
			if id != "" {
				continue
			}
			for found, err := range archive.IDs(t.Context(), s) {
				if rec, open := archive.Open(t.Context(), s, found, o); err == nil && open == nil && len(rec.Segments()) > 0 {
					id = found
				}
			}
			if id != "" {
				if err := self.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := ada.Leave(); err != nil {
		t.Error(err)
	}
	m := regexp.MustCompile(`^recorded (\w+): (\d+) frames of 1 tracks\n$`).FindStringSubmatch(said)
	if m == nil || m[1] != id || m[2] == "0" {
		t.Fatalf("it says %q of %s", said, id)
	}
	if _, err := archive.Verify(t.Context(), s, id, o, func(p archive.Problem) { t.Errorf("%+v", p) }); err != nil {
		t.Error(err)
	}
	if rec, err := archive.Open(t.Context(), s, id, o); err != nil || rec.Head().State != archive.StateClosed {
		t.Errorf("%v, %v", rec, err)
	} else if _, err := rec.ReadSegment(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// printed returns what f prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	stdout := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Error(err)
		return "nothing: there is no pipe"
	}
	os.Stdout = w
	f()
	os.Stdout = stdout
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
