package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// child runs an account until the place that the file "stop" names, and dies there
// as by a power cut. It prints what it was given to handle.
func child(dir string) {
	must := func(err error) {
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(3)
		}
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(err)
		return string(b)
	}
	die := func() {
		p, err := os.FindProcess(os.Getpid())
		must(err)
		must(p.Kill())
		select {}
	}
	key, err := age.ParseX25519Identity(read("key"))
	must(err)
	home := Home{Dir: filepath.Join(dir, "matrix"), Identities: []age.Identity{key}, Recipients: []age.Recipient{key.Recipient()}}
	a, err := home.Open(read("user"), slog.New(slog.DiscardHandler))
	must(err)
	fmt.Println("device", a.Device())
	switch read("stop") {
	case "received":
		resp, err := a.client.FullSyncRequest(context.Background(), syncRequest(a.state.Next))
		must(err)
		a.take(context.Background(), resp)
		die()
	case "saved":
		_, err := a.step(context.Background(), 0)
		must(err)
		die()
	case "handling":
		must(a.Sync(context.Background(), func(context.Context, *Batch) error { die(); return nil }))
	case "encrypted":
		a.written = die
		var to Target
		must(json.Unmarshal([]byte(read("to")), &to))
		_, err := a.Send(context.Background(), keysType, json.RawMessage(`{"n":"never"}`), to)
		must(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = a.Sync(ctx, func(_ context.Context, b *Batch) error {
		for _, m := range b.Messages {
			fmt.Println("got", string(m.Content))
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		must(err)
	}
}

// Wherever a process is killed, each message arrives with the same device in the
// next, and what the device sends after can be read.
func TestCrash(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, home, _, _ := logIn(t)
	dir := filepath.Dir(home.Dir)
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key", home.Identities[0].(*age.X25519Identity).String())
	write("user", string(bob.User()))
	to, err := json.Marshal(Target{ada.User(), ada.Device()})
	if err != nil {
		t.Fatal(err)
	}
	write("to", string(to))
	run := func(stop string) (string, error) {
		write("stop", stop)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "SEALTAPE_TEST_MATRIX_CHILD="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	n := 0
	for _, stop := range []string{"received", "saved", "handling", "encrypted"} {
		n++
		content := fmt.Sprintf(`{"n":%d}`, n)
		send(t, ada, bob, content)
		out, err := run(stop)
		if err == nil || !strings.Contains(err.Error(), "killed") || strings.Contains(out, "got") {
			t.Fatalf("%s: the first child: %v\n%s", stop, err, out)
		}
		if out, err = run("never"); err != nil || strings.Count(out, "got") != 1 || !strings.Contains(out, "got "+content+"\n") || !strings.Contains(out, "device "+string(bob.Device())) {
			t.Errorf("%s: the second child: %v\n%s", stop, err, out)
		}
	}
	// The ratchet that encrypted what never was sent does not do so again.
	again, err := home.Open(string(bob.User()), logger())
	if err != nil {
		t.Fatal(err)
	}
	*bob = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
	send(t, bob, ada, `{"n":"after"}`)
	if got := messages(t, ada, 1)[0]; string(got.Content) != `{"n":"after"}` {
		t.Errorf("Ada got %+v", got)
	}
}
