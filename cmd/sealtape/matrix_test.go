//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/testdata/calls"
)

// matrixDesk returns a lab without a meeting that has the homeserver that tests share.
func matrixDesk(t *testing.T) *matrixLab {
	t.Helper()
	inRealTime(t)
	return &matrixLab{lab: newDesk(t), Servers: matrixServers.get(t)}
}

// logIn runs sealtape matrix login with the user's password, and returns what it printed.
func (m *matrixLab) logIn(home string, u *calls.User, args ...string) (stdout, stderr string, code int) {
	m.t.Helper()
	password := filepath.Join(m.t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(u.Password+"\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return m.run(home, nil, append([]string{"matrix", "login", u.ID, "--homeserver", m.URL, "--password-file", password}, args...)...)
}

// refused fails the test unless a command failed with an error, and a hint, of these words.
func refused(t *testing.T, stderr string, code int, says, hint string) {
	t.Helper()
	_, last, _ := strings.Cut("\n"+stderr, "\nsealtape: ")
	first, rest, _ := strings.Cut(last, "\n")
	if code != 1 || !strings.Contains(first, says) || !strings.HasPrefix(rest, "hint: ") || !strings.Contains(rest, hint) {
		t.Errorf("exit code %d, want an error %q and a hint %q:\n%s", code, says, hint, stderr)
	}
}

// An account is logged in, shown and logged out, and each refusal says what to do.
func TestMatrixAccount(t *testing.T) {
	m := matrixDesk(t)
	home, _ := m.recorder("Recorder")
	bot := m.user("bot")

	_, stderr, code := m.run(home, nil, "matrix", "show")
	refused(t, stderr, code, "no such Matrix account is logged in here", "sealtape matrix login @NAME:SERVER")
	_, stderr, code = m.logIn(home, &calls.User{ID: bot.ID, Password: "another"})
	refused(t, stderr, code, "the homeserver refused the login", "check the user and the password")

	out, stderr, code := m.logIn(home, bot, "--json")
	var in matrixLoginJSON
	if err := json.Unmarshal([]byte(out), &in); err != nil || code != 0 || in.User != bot.ID || len(in.RecoveryKey) < 40 || in.Device == "" || in.Fingerprint == "" {
		t.Fatalf("%+v, %v, exit code %d\n%s", in, err, code, stderr)
	}
	_, stderr, code = m.logIn(home, bot)
	refused(t, stderr, code, "there is a device of this account here already", "sealtape matrix logout "+bot.ID)

	// Its card names the account.
	card := filepath.Join(m.dir, "recorder.card")
	m.must(home, "keys", "card", "-o", card, "--matrix", "own")
	if b, err := os.ReadFile(card); err != nil || !strings.Contains(string(b), fmt.Sprintf("\nmatrix: %s ed25519:%s\n", in.User, in.Master)) {
		t.Errorf("%s, %v", b, err)
	}

	ada := m.user("ada")
	room := m.callRoom(calls.Room{Name: "Weekly \u202etalk"}, ada, bot)
	var shown matrixJSON
	if err := json.Unmarshal([]byte(m.must(home, "matrix", "show", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	if !shown.Asked || !shown.Signed || shown.Held || !shown.OnCard || shown.Fingerprint != in.Fingerprint || shown.OneTimeKeys != 50 || !shown.Delayed || shown.Problem != "" ||
		len(shown.Rooms) != 1 || shown.Rooms[0].ID != room || !shown.Rooms[0].Invited {
		t.Errorf("%+v", shown)
	}
	for _, want := range []string{"user:            " + bot.ID, "state:           logged in, cross-signed", "on your card:    yes", room, "invited"} {
		if out := m.must(home, "matrix", "show"); !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}

	// The next device needs the recovery key.
	other, _ := m.recorder("Recorder Two")
	_, stderr, code = m.logIn(other, bot)
	refused(t, stderr, code, "its recovery key was not given", "--recovery-key-file FILE")
	recovery := filepath.Join(m.dir, "recovery")
	if err := os.WriteFile(recovery, []byte("EsTc 1111 1111 1111 1111 1111 1111 1111 1111 1111 1111 1111\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = m.logIn(other, bot, "--recovery-key-file", recovery)
	refused(t, stderr, code, "that is not the account's recovery key", "12 groups of four letters")
	if err := os.WriteFile(recovery, []byte(in.RecoveryKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := m.logIn(other, bot, "--recovery-key-file", recovery); code != 0 || strings.Contains(out, "recovery key") || !strings.Contains(out, "ed25519:"+in.Master) {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}

	// Somebody ends the first device elsewhere.
	if a := m.held(home, bot); a != nil {
		_, stderr, code = m.run(home, nil, "matrix", "logout")
		refused(t, stderr, code, "another process uses this Matrix account", "wait for its end")
		if out := m.must(home, "matrix", "show"); !strings.Contains(out, "; in use by another process") {
			t.Error(out)
		}
		if err := a.Logout(context.WithoutCancel(m.ctx)); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if out := m.must(other, "matrix", "logout"); !strings.HasPrefix(out, "logged out "+bot.ID) {
		t.Error(out)
	}
	_, stderr, code = m.run(other, nil, "matrix", "show")
	refused(t, stderr, code, "no such Matrix account is logged in here", "log in, once")
}

// held takes an account for this process.
func (m *matrixLab) held(home string, u *calls.User) *matrix.Account {
	m.t.Helper()
	a, err := m.matrixHome(home).Open(u.ID, discard)
	if err != nil {
		m.t.Fatal(err)
	}
	return a
}

// A device that was ended elsewhere, and a homeserver that is away.
func TestMatrixAccountGone(t *testing.T) {
	m := matrixDesk(t)
	home, _ := m.recorder("Recorder")
	bot := m.user("bot")
	if out, stderr, code := m.logIn(home, bot); code != 0 || !strings.Contains(out, "\nrecovery key: Es") || !strings.Contains(stderr, "Write the recovery key down") {
		t.Fatalf("exit code %d: %s%s", code, out, stderr)
	}
	m.endDevices(home, bot)
	out, stderr, code := m.run(home, nil, "matrix", "show")
	refused(t, stderr, code, "this device was logged out", "sealtape matrix login "+bot.ID+" --recovery-key-file FILE")
	if !strings.Contains(out, "logged out") {
		t.Error(out)
	}
	m.must(home, "matrix", "logout")

	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	_, stderr, code = m.run(home, nil, "matrix", "login", bot.ID, "--homeserver", away.URL, "--password-file", filepath.Join(home, "card.txt"))
	refused(t, stderr, code, "could not log in", "--homeserver URL")
}

// copyFiles copies the files of a folder, for their owner's eyes.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
