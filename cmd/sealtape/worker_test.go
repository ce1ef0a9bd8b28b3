package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
)

func TestWorkerOptions(t *testing.T) {
	good := func() *workerOptions {
		return &workerOptions{policies: "p", url: "wss://x", agent: "sealtape", apiKey: "k", envSecret: "s", maxRooms: 20, minSpace: "2GiB", maxBacklog: "10GiB"}
	}
	for _, tt := range []struct {
		change func(*workerOptions)
		says   string // "" for what makes sense
	}{
		{func(o *workerOptions) {}, ""},
		{func(o *workerOptions) { o.joinAs = "agent" }, ""},
		{func(o *workerOptions) { o.apiKey, o.envSecret, o.agentTokenFile = "", "", "t" }, ""},
		{func(o *workerOptions) { o.apiKey, o.envSecret, o.tokenProgram = "", "", []string{"x"} }, ""},
		{func(o *workerOptions) { o.minSpace, o.maxBacklog = "0", "1.5T" }, ""},
		{func(o *workerOptions) { o.policies = "" }, "--policies is missing"},
		{func(o *workerOptions) { o.url = "" }, "--url is missing"},
		{func(o *workerOptions) { o.envSecret = "" }, "nothing to register with"},
		{func(o *workerOptions) { o.apiKey = "" }, "--api-key is missing"},
		{func(o *workerOptions) { o.agentTokenFile, o.apiSecretFile = "t", "s" }, "exclude each other"},
		{func(o *workerOptions) { o.agentTokenFile, o.tokenProgram = "t", []string{"x"} }, "exclude each other"},
		{func(o *workerOptions) { o.agentTokenFile, o.joinAs = "t", "recorder" }, "makes no recorder's"},
		{func(o *workerOptions) { o.joinAs = "egress" }, "--join-as"},
		{func(o *workerOptions) { o.maxRooms = 0 }, "--max-rooms"},
		{func(o *workerOptions) { o.drain = -1 }, "--drain"},
		{func(o *workerOptions) { o.minSpace = "2 gigs" }, "--min-space"},
		{func(o *workerOptions) { o.maxBacklog = "-1" }, "--max-backlog"},
		{func(o *workerOptions) { o.minSpace = "1iB" }, "--min-space"},
		{func(o *workerOptions) { o.passEnv = []string{"A=B"} }, "--pass-env"},
	} {
		o := good()
		tt.change(o)
		err := o.Check()
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want %q", o, err, tt.says)
		}
		if code, _ := ui.Explain(err); err != nil && code != ui.ExitUsage {
			t.Errorf("exit code %d", code)
		}
		if err == nil && o.joinAs != joinAgent && o.agentTokenFile != "" {
			t.Errorf("joins as %s", o.joinAs)
		}
	}
	for text, want := range map[string]int64{"0": 0, "512": 512, "1KiB": 1 << 10, "500M": 500 << 20, "2GiB": 2 << 30, "1.5TiB": 3 << 39, "10B": 10} {
		if n, err := parseSize(text); n != want || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
}

// A policy is checked as a command line of record is, before there is a room.
func TestCheckPolicy(t *testing.T) {
	for text, says := range map[string]string{
		"reader: Bob\nroom-keys: members\n":                    "",
		"reader: [Bob, Eve]\nno-e2ee: true\naccess: whole\n":   "",
		"reader: Bob\ncommand: [vault]\n":                      "",
		"command: [vault]\n":                                   "",
		"room-keys: members\n":                                 "no one could open",
		"reader: Bob\n":                                        "no keys for its rooms",
		"reader: Bob\nno-e2ee: true\nroom-keys: members\n":     "exclude each other",
		"reader: Bob\nno-e2ee: true\nacess: whole\n":           "line 4: there is no setting",
		"reader: Bob\nno-e2ee: true\naccess: all\n":            `--access is "all"`,
		"reader: Bob\nno-e2ee: true\nsegment: [5s, 6s]\n":      "has one value",
		"reader: Bob\nno-e2ee: true\nsegment: 5\n":             "not a value of it",
		"reader: Bob\nno-e2ee: true\ne2ee-passphrase: hunter2": "a secret has no place",
		"reader: Bob\nno-e2ee: true\ngrace: soon\n":            "--grace",
	} {
		p, err := fleet.ParsePolicy("p", []byte("rooms: x\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		err = checkPolicy(p)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Error("the error repeats a secret")
		}
	}
}

// Each way into a room gives a recorder what it needs, and no more.
func TestWorkerJoin(t *testing.T) {
	a := agent.Assignment{Token: "assigned"}
	own := map[string]string{ui.PassphraseVar: "p"}
	for _, tt := range []struct {
		join    workerJoin
		secrets map[string]string
		setting string
		fixed   bool
	}{
		{workerJoin{as: joinRecorder, apiKey: "k", apiSecret: "s"}, map[string]string{ui.PassphraseVar: "p", flags.APISecretVar: "s"}, "api-key", true},
		{workerJoin{as: joinAgent, apiKey: "k", apiSecret: "s"}, map[string]string{ui.PassphraseVar: "p", flags.TokenVar: "assigned"}, "", false},
		{workerJoin{as: joinAgent}, map[string]string{ui.PassphraseVar: "p", flags.TokenVar: "assigned"}, "", false},
		{workerJoin{as: joinRecorder, program: []string{"x", "y"}}, map[string]string{ui.PassphraseVar: "p"}, "token-program", false},
	} {
		settings, secrets := tt.join.into(a, own)
		if !maps.Equal(secrets, tt.secrets) || (len(settings) == 1) != (tt.setting != "") || len(settings) == 1 && settings[0].Name != tt.setting {
			t.Errorf("%+v: %v %v", tt.join, settings, secrets)
		}
		table := tt.join.table(1)
		p, err := fleet.ParsePolicy("p", []byte("rooms: x\n"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, p.Name+".yaml"), []byte("rooms: x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := fleet.ReadPolicies(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		table.SetPolicies(all)
		if v := table.Offer(fleet.Offer{ID: "1", Room: "x", Metadata: `{"policy":"p"}`}, time.Now()); (v.Identity == fleet.Identity("x")) != tt.fixed {
			t.Errorf("%+v: %+v", tt.join, v)
		}
	}
	if len(own) != 1 {
		t.Error("the secrets of all rooms were changed")
	}
}

func TestTakeSecrets(t *testing.T) {
	for _, v := range secretVars {
		t.Setenv(v, "of the environment")
	}
	write := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "secrets")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := takeSecrets(write(`{"LIVEKIT_TOKEN":"hunter2","AWS_SECRET_ACCESS_KEY":"hunter3"}`, 0o600)); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(flags.TokenVar) != "hunter2" || os.Getenv("AWS_SECRET_ACCESS_KEY") != "hunter3" || os.Getenv(flags.APISecretVar) != "of the environment" {
		t.Error("they were not taken")
	}
	for text, says := range map[string]string{
		`{"PATH":"hunter2"}`: "no secret that is looked for", `{"LIVEKIT_TOKEN":1}`: "no JSON object of texts", `hunter2`: "no JSON object", "": "no JSON object",
		`{"LIVEKIT_TOKEN":"` + strings.Repeat("x", maxSecrets) + `"}`: "no JSON object",
	} {
		err := takeSecrets(write(text, 0o600))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
		if code, _ := ui.Explain(err); code != ui.ExitUsage {
			t.Errorf("exit code %d", code)
		}
	}
	if err := takeSecrets(write(`{}`, 0o644)); runtime.GOOS != "windows" && err == nil {
		t.Error("a file that all can read was taken")
	}
	if err := takeSecrets(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A program of a list of arguments prints a token in JSON, without a shell.
func TestTokenProgram(t *testing.T) {
	for _, v := range secretVars {
		t.Setenv(v, "hunter2")
	}
	for _, tt := range []struct {
		script, token string
	}{
		{`cat >/dev/null; echo '{"token":"a.b.c"}'`, "a.b.c"},
		{`grep -q '"room":"weekly","identity":"rec"' && echo '{"token":"a.b.c"}'`, "a.b.c"},
		{`env | grep hunter2 || echo '{"token":"none"}'`, "none"},
		{`echo '{"token":""}'`, ""},
		{`echo '{"token":"hunter2 hunter2"}'`, ""},
		{`echo '{"token":"hunter2","more":1}'`, ""},
		{`echo hunter2`, ""},
		{`echo '{"token":"hunter2"}'; exit 1`, ""},
	} {
		token, err := tokenProgram([]string{"sh", "-c", tt.script}, roomQuestion{Room: "weekly", Identity: "rec"})(t.Context())
		if token != tt.token || (err == nil) != (tt.token != "") {
			t.Errorf("%s: %q, %v", tt.script, token, err)
		}
		if err != nil && (!errors.Is(err, errTokenCommand) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", tt.script, err)
		}
	}
}
