//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/calls"
)

// doctor says how the account stands, what a room lacks, and what its token services give.
func TestMatrixDoctor(t *testing.T) {
	m := matrixDesk(t)
	home, _ := m.recorder("Recorder")
	bot, ada := m.user("bot"), m.user("ada")
	var services []string
	doctor := func(what string, code int, wants ...string) {
		t.Helper()
		args := []string{"doctor", "--matrix", what}
		for _, service := range services {
			args = append(args, "--matrix-service", service)
		}
		out, stderr, got := m.run(home, nil, args...)
		if got != code {
			t.Errorf("doctor --matrix %s: exit code %d, want %d\n%s%s", what, got, code, out, stderr)
		}
		plain := strings.Join(strings.Fields(out), " ")
		for _, want := range wants {
			if !strings.Contains(plain, want) {
				t.Errorf("doctor --matrix %s does not say %q:\n%s", what, want, out)
			}
		}
	}
	doctor(bot.ID, 1, "failed account no such Matrix account is logged in here", "sealtape matrix login "+bot.ID)
	if _, stderr, code := m.logIn(home, bot); code != 0 {
		t.Fatal(stderr)
	}
	doctor(bot.ID, 0, "ok account "+bot.ID, "ok device logged in, and cross-signed", "ok one-time keys 50 are left", "ok delayed events", "clock ok clock agrees with that of the homeserver")
	lk := liveKit.get(t)
	good := m.callRoom(calls.Room{Alias: "good-" + m.mark}, ada, bot)
	doctor(good, 0, "ok room "+good+": invited")
	for _, room := range []string{good, m.callRoom(calls.Room{Clear: true, CallPower: 50, TextPower: 50}, ada, bot)} {
		if err := bot.Join(m.ctx, room); err != nil {
			t.Fatal(err)
		}
		if room != good {
			doctor(room, 1, "failed room the room is not encrypted", "to take part in its call: it has 0", "to write into it: it has 0", "Roles & Permissions")
		}
	}
	alias := "#good-" + m.mark + ":meet.test"
	doctor(alias, 0, "ok room "+alias+" lacks nothing", "unknown token service nobody is in the call now")
	services = []string{m.Service(lk)}
	doctor(alias, 0, "ok token service "+services[0]+" leads to "+lk.URL)
	services = nil
	m.inCall(ada, good,
		map[string]any{"type": "livekit", "livekit_service_url": m.Service(lk)},
		map[string]any{"type": "livekit", "livekit_service_url": m.Receiving(lk)},
		map[string]any{"type": "livekit", "livekit_service_url": "http://127.0.0.1:9"})
	doctor(good, 1, "ok token service", "leads to "+lk.URL, "gives tokens that forbid data", "failed token service the token service http://127.0.0.1:9 gave no token")
	other := m.Service(lk)
	services = []string{other + "/"}
	doctor(good, 0, "ok token service "+other+" leads to "+lk.URL, "warning token service http://127.0.0.1:9 is named by a member, and not allowed by --matrix-service")
	services = nil
	doctor("#nowhere:meet.test", 1, "this user is not invited to the room", "invite "+bot.ID)
}
