package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// optionsOf returns the options of "record --config FILE" with more args.
func optionsOf(t *testing.T, yaml string, args ...string) (o recordOptions) {
	t.Helper()
	c, _, err := configured(t, yaml, 0o600, args...)
	if err != nil {
		t.Fatal(err)
	}
	return *c.App.Metadata["options"].(*recordOptions)
}

// configured runs "record --config FILE" with more args, as far as the flags are
// set.
func configured(t *testing.T, yaml string, mode os.FileMode, args ...string) (c *cli.Context, e *ui.Env, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weekly.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	e = &ui.Env{Stdin: &bytes.Buffer{}, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	app := newApp(e)
	for _, cmd := range app.Commands {
		if cmd.Name == "record" {
			o := new(recordOptions)
			cmd.Flags, app.Metadata["options"] = recordFlags(o), o
			cmd.Action = func(ctx *cli.Context) error {
				c = ctx
				err := flags.Configure(e, ctx)
				o.Rest(ctx)
				return err
			}
		}
	}
	args, err = flags.First(app, append([]string{"sealtape", "record", "--config", path}, args...))
	if err != nil {
		t.Fatal(err)
	}
	err = app.RunContext(t.Context(), args)
	return c, e, err
}

func TestConfig(t *testing.T) {
	for _, v := range []string{"LIVEKIT_URL", "LIVEKIT_API_KEY", "SEALTAPE_STORE", flags.APISecretVar, flags.TokenVar, flags.E2EEPassphraseVar, "SEALTAPE_LOG_LEVEL", "SEALTAPE_LOG_FORMAT"} {
		t.Setenv(v, "")
		if err := os.Unsetenv(v); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LIVEKIT_URL", "wss://env")
	t.Setenv(flags.APISecretVar, "of the environment")
	c, e, err := configured(t, `# the weekly meeting
room: weekly
title: "Weekly: with Ada"
store: s3://file
reader: ["Lovelace, Ada", Bob]
member: eve-phone=Eve
segment: 2s
keep-local: true
url: wss://file
api-key: APIfile
api-secret-file: /etc/sealtape/secret
e2ee-passphrase-file: /etc/sealtape/passphrase
log-format: json
log-level: debug
`, 0o640, "--store", "flag", "--log-level", "warn", "--reader", "Carol")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"room": "weekly", "title": "Weekly: with Ada", "url": "wss://env", "api-key": "APIfile",
		"api-secret-file": "", // the environment has the secret
		"name":            "Recorder (Sealtape)", "e2ee-passphrase-file": "/etc/sealtape/passphrase",
	} {
		if got := c.String(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := flags.StoreNames(c); !slices.Equal(got, []string{"flag"}) {
		t.Errorf("stores %q", got)
	}
	if got := c.StringSlice("reader"); !slices.Equal(got, []string{"Carol"}) {
		t.Errorf("readers %q: the flag stands over the file", got)
	}
	if got := c.StringSlice("member"); !slices.Equal(got, []string{"eve-phone=Eve"}) {
		t.Errorf("members %q", got)
	}
	if c.Duration("segment") != 2*time.Second || !c.Bool("keep-local") || c.Bool("no-e2ee") {
		t.Error("segment, keep-local or no-e2ee is wrong")
	}
	if !e.Logging.JSON || e.Log() == nil || e.Logging.Level.String() != "WARN" {
		t.Errorf("logging %+v", e.Logging)
	}
}

func TestConfigValues(t *testing.T) {
	c, _, err := configured(t, "reader: [\"Lovelace, Ada\", Bob]\nmember: []\nsegment: 2s\n", 0o600)
	if got := c.StringSlice("reader"); err != nil || !slices.Equal(got, []string{"Lovelace, Ada", "Bob"}) || len(c.StringSlice("member")) != 0 {
		t.Errorf("readers %q, members %q, %v", got, c.StringSlice("member"), err)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "~\n"} {
		if _, _, err := configured(t, empty, 0o600); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

func TestConfigRefusals(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, tt := range []struct {
		yaml, says, hint string
		code             int
	}{
		{"room: weekly\nrom: weekly\n", `weekly.yaml, line 2: there is no setting "rom"`, "sealtape record --help", ui.ExitUsage},
		{"config: other.yaml\n", `line 1: there is no setting "config"`, "", ui.ExitUsage},
		{"room: a\n\nroom: b\n", "line 3: room is set twice", "", ui.ExitUsage},
		{"token: " + secret, "line 1: token: a secret has no place in here", "token-file:", ui.ExitUsage},
		{"# x\napi-secret: " + secret, "line 2: api-secret: a secret has no place in here", "api-secret-file:", ui.ExitUsage},
		{"e2ee-passphrase: " + secret, "e2ee-passphrase: a secret has no place in here", "e2ee-passphrase-file:", ui.ExitUsage},
		{"segment: soon\n", `line 1: segment: "soon" is not a value of it`, "", ui.ExitUsage},
		{"keep-local: perhaps\n", "line 1: keep-local", "", ui.ExitUsage},
		{"room: [a, b]\n", "line 1: room has no plain value", "", ui.ExitUsage},
		{"reader:\n  - name: Bob\n", "line 2: reader has no plain value", "", ui.ExitUsage},
		{"reader: [[Bob]]\n", "line 1: reader has no plain value", "", ui.ExitUsage},
		{"room:\n", "line 1: room has no plain value", "", ui.ExitUsage},
		{"room: &a x\nname: *a\n", "line 2: name has no plain value", "", ui.ExitUsage},
		{"? [a]\n: b\n", "line 1: there is no setting", "", ui.ExitUsage},
		{"- room\n", "line 1: not a list of settings", "NAME: VALUE", ui.ExitUsage},
		{"room: a\n---\nroom: b\n", "more than one document", "", ui.ExitFailed},
		{"room: 'x\n", "weekly.yaml: yaml: ", "NAME: VALUE", ui.ExitFailed},
		{"log-level: loud\n", `--log-level is "loud"`, "", ui.ExitUsage},
		{"room: " + strings.Repeat("x", flags.MaxConfig), "is longer than 1048576 bytes", "", ui.ExitFailed},
	} {
		_, _, err := configured(t, tt.yaml, 0o600)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%.40q: says %v, want %s", tt.yaml, err, tt.says)
			continue
		}
		code, hints := explained(err)
		if hint := strings.Join(hints, "\n"); code != tt.code || !strings.Contains(hint, tt.hint) || strings.Contains(hint, secret) {
			t.Errorf("%.40q: exit code %d, hints %q", tt.yaml, code, hint)
		}
	}
	_, _, err := configured(t, "room: weekly\n", 0o622)
	if err == nil || !strings.Contains(err.Error(), "changed by others (mode 0622)") {
		t.Errorf("a file that others may change: %v", err)
	}
	if _, hints := explained(err); len(hints) != 1 || !strings.Contains(hints[0], ": chmod 0600 ") {
		t.Errorf("hints %q", hints)
	}
}

// Whatever a configuration says, reading it neither panics nor shows a secret.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("room: weekly\nreader: [Ada, Bob]\n"))
	f.Add([]byte("token: hunter2\n"))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c := cli.NewContext(cli.NewApp(), nil, nil)
		c.Command = recordCommand()
		settings, err := flags.ReadConfig(c, path)
		for _, s := range settings {
			if err != nil || flags.SecretFlags[s.Name] != "" || len(s.Values) == 0 || s.Line < 1 {
				t.Errorf("%+v, %v", s, err)
			}
		}
	})
}
