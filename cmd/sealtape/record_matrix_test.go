//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot/matrixroom"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
	"github.com/sealtape/sealtape/testdata/calls"
)

// A Matrix room in which a recorder cannot record is refused with what to do about it,
// before anything is written.
func TestMatrixRefusals(t *testing.T) {
	m := matrixDesk(t)
	home, _ := m.recorder("Recorder")
	bot, ada := m.user("bot"), m.user("ada")
	if _, stderr, code := m.logIn(home, bot); code != 0 {
		t.Fatal(stderr)
	}
	record := func(room string, args ...string) (stderr string, code int) {
		t.Helper()
		_, stderr, code = m.run(home, nil, append([]string{"record", "--matrix", room, "--reader", "Recorder", "--store", filepath.Join(m.dir, "store")}, args...)...)
		return stderr, code
	}
	stranger, err := ada.CreateRoom(m.ctx, calls.Room{})
	if err != nil {
		t.Fatal(err)
	}
	plain := m.callRoom(calls.Room{Clear: true}, ada, bot)
	noCall := m.callRoom(calls.Room{CallPower: 50, TextPower: 50}, ada, bot) // by neither kind of membership
	noText := m.callRoom(calls.Room{TextPower: 50}, ada, bot)
	// Somebody is in the call whose client uses another kind of it.
	other := m.callRoom(calls.Room{Alias: "other-" + m.mark}, ada, bot)
	m.inCall(ada, other)
	for _, tt := range []struct{ room, says, hint string }{
		{stranger, "this user is not invited to the room", "invite " + bot.ID},
		{"#nowhere:meet.test", "there is no such room", "copy its address"},
		{plain, "the room is not encrypted", "--no-e2ee"},
		{noCall, "too little power in the room to take part in its call", "let everybody join calls; or give " + bot.ID + " a power level of 50"},
		{noText, "too little power in the room to write into it", "give " + bot.ID + " a power level of 50"},
		{"#other-" + m.mark + ":meet.test", "no member of the call sends by LiveKit", "another kind of call"},
	} {
		stderr, code := record(tt.room)
		refused(t, stderr, code, tt.says, tt.hint)
	}
	// Nobody comes in the time that there was.
	quiet := m.callRoom(calls.Room{}, ada, bot)
	stderr, code := record(quiet, "--wait", "1s")
	if code != 1 || !strings.Contains(stderr, "waiting for somebody to begin the call") || !strings.Contains(stderr, "sealtape: nobody has begun the call\nhint: a recorder never begins a call") {
		t.Errorf("exit code %d:\n%s", code, stderr)
	}
	if found, err := filepath.Glob(filepath.Join(m.dir, "store", "*")); err != nil || len(found) > 0 {
		t.Errorf("the store has %v, %v", found, err)
	}

	// Another process, and a device that was ended.
	a := m.held(home, bot)
	stderr, code = record(quiet)
	refused(t, stderr, code, "another process uses this Matrix account", "sealtape matrix login @NAME:SERVER")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	m.endDevices(home, bot)
	stderr, code = record(quiet)
	refused(t, stderr, code, "this device was logged out", "sealtape matrix logout "+bot.ID)
}

// inCall makes a user a member of a room's call, on these transports, for whoever does not ask
// their device.
func (m *matrixLab) inCall(u *calls.User, room string, transports ...any) {
	m.t.Helper()
	if err := u.SetState(m.ctx, room, "org.matrix.msc3401.call.member", "_"+u.ID+"_DEVICE_m.call", map[string]any{
		"application": "m.call", "call_id": "", "scope": "m.room", "device_id": "DEVICE", "expires": 14400000,
		"focus_active": map[string]string{"type": "livekit", "focus_selection": "multi_sfu"}, "foci_preferred": transports,
	}); err != nil {
		m.t.Fatal(err)
	}
}

// endDevices ends a user's device at the homeserver, and not in its home.
func (m *matrixLab) endDevices(home string, u *calls.User) {
	m.t.Helper()
	elsewhere := m.matrixHome(home)
	from := elsewhere.Dir
	elsewhere.Dir = m.t.TempDir()
	copyFiles(m.t, from, elsewhere.Dir)
	a, err := elsewhere.Open(u.ID, discard)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := errors.Join(a.Logout(context.WithoutCancel(m.ctx)), a.Close()); err != nil {
		m.t.Fatal(err)
	}
}

// What ends a call, or keeps a recorder out of it, comes with a hint.
func TestExplainCall(t *testing.T) {
	for _, tt := range []struct {
		err  error
		hint string
	}{
		{fmt.Errorf("joining: %w", matrix.ErrUnsignedDevice), "sealtape matrix login @bot:x --recovery-key-file FILE"},
		{&token.Error{Service: "https://sfu.x", Status: 403, Reason: "not allowed"}, "takes no users of your homeserver"},
		{&token.Error{Service: "https://sfu.x", Err: errors.New("refused")}, "reaches the call's token service"},
		{&token.Error{Service: "https://sfu.x", Err: token.ErrNotAsked}, "record --matrix-service https://sfu.x"},
		{&token.Error{Service: "https://sfu.x", Err: token.ErrNotListed}, "rightly left out"},
		{livekit.ErrNoSubscribe, "who runs the call's LiveKit server"},
		{matrixroom.ErrNobody, "--wait"},
		{matrix.ErrNobody, "a recorder never does"},
		{context.DeadlineExceeded, "too slowly"},
		{&rtc.PowerError{What: "to take part in its call", Event: "org.matrix.msc3401.call.member", Needs: 50}, "Voice & Video"},
	} {
		if _, hints := explained(explainCall(tt.err, "@bot:x")); len(hints) == 0 || !strings.Contains(hints[0], tt.hint) {
			t.Errorf("%v: hints %q, want %q", tt.err, hints, tt.hint)
		}
	}
	for cause, code := range map[error]int{matrix.ErrLoggedOut: ui.ExitFailed, matrix.ErrRemoved: ui.ExitIncomplete, matrixroom.ErrSilenced: ui.ExitIncomplete} {
		got, hints := explained(explainEnd(recorder.Report{Cause: fmt.Errorf("%w: %w", recorder.ErrEnded, cause)}))
		if got != code || len(hints) == 0 || !strings.HasPrefix(hints[0], "what was recorded before is kept") {
			t.Errorf("%v: exit code %d, hints %q", cause, got, hints)
		}
	}
	if err := explainEnd(recorder.Report{Cause: recorder.ErrEnded}); err != nil {
		t.Errorf("a call that ended: %v", err)
	}
}

// What makes no sense with --matrix is refused by the options alone.
func TestMatrixOptions(t *testing.T) {
	t.Setenv("LIVEKIT_URL", "wss://meet.example.org")
	t.Setenv("LIVEKIT_API_KEY", "key")
	base := []string{"record", "--matrix", "#weekly:example.org", "--reader", "Bob", "--store", "s"}
	for _, tt := range []struct {
		args []string
		says string // "" for what makes sense
	}{
		{nil, ""},
		{[]string{"--no-e2ee", "--matrix-user", "@bot:example.org", "--member", "@a=b:example.org:8448=Ada = Eve"}, ""},
		{[]string{"--consent", "ask", "--record", "verified", "--readers", "named", "--max-video", "720p", "--wait", "1h"}, ""},
		{[]string{"--room", "weekly"}, "--room and --matrix exclude each other"},
		{[]string{"--url", "wss://other.example.org"}, "--url and --matrix"},
		{[]string{"--token-file", "t"}, "--token and --matrix"},
		{[]string{"--token-command", "t"}, "--token and --matrix"},
		{[]string{"--api-secret-file", "t"}, "--api-secret and --matrix"},
		{[]string{"--api-key", "other"}, "--api-secret and --matrix"},
		{[]string{"--identity", "x"}, "--identity and --matrix"},
		{[]string{"--e2ee-passphrase-file", "x"}, "--e2ee-passphrase-file and --matrix"},
		{[]string{"--e2ee-key-file", "x"}, "--e2ee-key-file and --matrix"},
		{[]string{"--room-keys", "members"}, "--room-keys and --matrix"},
		{[]string{"--allow-plaintext", "sip"}, "--allow-plaintext and --matrix"},
		{[]string{"--others", "yield"}, "--others yield and --matrix"},
		{[]string{"--member", "ada=Ada"}, "--member is"},
		{[]string{"--member", "@ada:example.org"}, "--member is"},
		{[]string{"--matrix-user", "bot"}, "--matrix-user: "},
		{[]string{"--matrix-service", "https://sfu.example.org/jwt", "--matrix-service", "http://10.0.0.5"}, ""},
		{[]string{"--matrix-service", "sfu.example.org"}, "--matrix-service is"},
		{[]string{"--matrix-service", "https://sfu.example.org/jwt?x"}, "--matrix-service is"},
		{[]string{"--matrix", "weekly"}, "--matrix is"},
		{[]string{"--matrix", "#weekly"}, "--matrix is"},
	} {
		err := newApp(&ui.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, CheckOnly: true}).RunContext(t.Context(), append(append([]string{"sealtape"}, base...), tt.args...))
		if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.says)
		}
		if code, hints := explained(err); err != nil && (code != ui.ExitUsage || len(hints) == 0) {
			t.Errorf("%q: exit code %d, hints %q", tt.args, code, hints)
		}
	}
	if _, err := policyOptions(&fleet.Policy{Settings: []fleet.Setting{{Name: "matrix", Values: []string{"#weekly:example.org"}}}}); err == nil || !strings.Contains(err.Error(), "which a worker cannot record") {
		t.Errorf("a policy with matrix: %v", err)
	}
}
