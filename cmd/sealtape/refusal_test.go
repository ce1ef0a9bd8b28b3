//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestRecordRefuses gives record what it must not accept. Nobody may learn of a
// recording that is not made: nothing joins the room, nothing is left in the
// spool, and no ID is printed.
func TestRecordRefuses(t *testing.T) {
	l := newLab(t)
	minio := l.minIO()
	home, _ := l.person("Recorder")
	room := l.room("refusals")
	watcher := l.join(members.Config{Room: room, Identity: "watcher", Name: "Watcher"})

	passphrase := flags.E2EEPassphraseVar + "=" + labPassphrase
	key := []string{"LIVEKIT_API_KEY=" + l.lk.APIKey, "LIVEKIT_API_SECRET=" + l.lk.APISecret, passphrase}
	withURL := append([]string{"LIVEKIT_URL=" + l.lk.URL}, key...)
	withToken := func(g members.Grant) []string {
		g.Identity, g.Name = "bot", "Bot"
		return []string{"LIVEKIT_URL=" + l.lk.URL, "LIVEKIT_TOKEN=" + l.token(g), passphrase}
	}
	folder := filepath.Join(l.dir, "store")
	record := []string{"record", "--room", room, "--store", folder, "--reader", "Recorder", "--duration", "5s"}
	with := func(more ...string) []string { return append(append([]string(nil), record...), more...) }

	var refuse atomic.Bool
	refuse.Store(true)
	refusing := l.refusing(&refuse)

	for _, tt := range []struct {
		name string
		vars []string
		args []string
		code int
		says string
		hint string
	}{
		{"no reader", withURL, []string{"record", "--room", room, "--store", folder}, 2, "no one could open", "--reader"},
		{"unknown reader", withURL, with("--reader", "Nobody"), 1, "no card is pinned", "keys list"},
		{"half a recipient", withURL, with("--reader", "age1pq1qqqq"), 1, "recipient", "copy it whole"},
		{"no room passphrase", withURL[:3], record, 2, "passphrase is missing", "--e2ee-passphrase-file"},
		{"no server", key, record, 2, "--url is missing", "LIVEKIT_URL"},
		{"nothing to join with", []string{"LIVEKIT_URL=" + l.lk.URL, passphrase}, record, 2, "nothing to join", "LIVEKIT_API_KEY"},
		{"hidden token", withToken(members.Grant{Room: room, Hidden: true}), record, 1, "hides the recorder", "in the open only"},
		{"mute token", withToken(members.Grant{Room: room, NoData: true}), record, 1, "send data", "canPublishData"},
		{"deaf token", withToken(members.Grant{Room: room, NoSubscribe: true}), record, 1, "subscribe", "canSubscribe"},
		{"token for another room", withToken(members.Grant{Room: "elsewhere"}), record, 1, "another room", "new token"},
		{"not a token", []string{"LIVEKIT_URL=" + l.lk.URL, "LIVEKIT_TOKEN=letmein", passphrase}, record, 1, "bad token", "new token"},
		{"wrong API secret", []string{"LIVEKIT_URL=" + l.lk.URL, "LIVEKIT_API_KEY=" + l.lk.APIKey, "LIVEKIT_API_SECRET=wrong-wrong-wrong-wrong-wrong-wrong", passphrase},
			record, 1, "refused the credentials", "LIVEKIT_API_SECRET"},
		{"token command that fails", withURL, with("--token-command", "echo wrong-secret; exit 3"), 1, "token command failed: exit status 3", "by hand"},
		{"hidden token of a command", withURL, with("--token-command", "echo "+l.token(members.Grant{Room: room, Identity: "bot", Hidden: true})), 1, "hides the recorder", "in the open only"},
		{"metrics on a port that is taken", withURL, with("--metrics-addr", strings.TrimPrefix(l.lk.URL, "ws://")), 1, "address already in use", "127.0.0.1:9464"},
		{"unreachable server", append([]string{"LIVEKIT_URL=ws://127.0.0.1:1"}, key...), record, 1, "no LiveKit server answers", "LIVEKIT_URL"},
		{"not a URL", append([]string{"LIVEKIT_URL=meet"}, key...), record, 1, "no LiveKit server answers", "LIVEKIT_URL"},
		{"missing bucket", withURL, with("--store", "s3://no-such-bucket/x"), 1, "no such store", "bucket"},
		{"wrong S3 key", append([]string{"AWS_SECRET_ACCESS_KEY=wrong-secret"}, withURL...), with("--store", minio), 1, "denied", "AWS_ACCESS_KEY_ID"},
		{"store that takes nothing", append([]string{refusing}, withURL...), with("--store", minio), 1,
			"is not fit for it: put: could not store", "no permission helps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, code := l.run(home, tt.vars, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			first, rest, _ := strings.Cut(errs, "\n")
			if !strings.HasPrefix(first, "sealtape: ") || !strings.Contains(first, tt.says) {
				t.Errorf("says %q, want %q in it", first, tt.says)
			}
			if !strings.HasPrefix(rest, "hint: ") || !strings.Contains(rest, tt.hint) {
				t.Errorf("hints %q, want %q in it", rest, tt.hint)
			}
			if out != "" {
				t.Errorf("printed %q: there is no recording", out)
			}
			if strings.Contains(errs, "wrong-wrong") || strings.Contains(errs, "wrong-secret") || strings.Contains(errs, l.lk.APISecret) || strings.Contains(errs, "eyJ") {
				t.Errorf("a secret is in %q", errs)
			}
		})
	}
	spooled, err := os.ReadDir(filepath.Join(home, "spool"))
	if err != nil || len(spooled) != 0 {
		t.Errorf("the spool holds %v (%v)", spooled, err)
	}
	if seen := watcher.Participants(); len(seen) != 0 {
		t.Errorf("joined the room all the same: %v", seen)
	}
}

func TestWrongRoomPassphrase(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	l.join(members.Config{Room: l.room("r"), Identity: "ada", Name: "Ada", Passphrase: "what the members use", Audio: media.Speech(0), Video: media.Clock(0)})
	store := filepath.Join(l.dir, "store")
	// The token comes from a command, which learns no secret of ours.
	token, asked := filepath.Join(l.dir, "token"), filepath.Join(l.dir, "asked")
	if err := os.WriteFile(token, []byte(l.token(members.Grant{Room: l.room("r"), Identity: "bot", Name: "Bot"})+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := l.record(home, "--room", l.room("r"), "--store", store, "--reader", "Recorder",
		"--token-command", fmt.Sprintf("env > %q && cat %q", asked, token))
	l.told = rec.stderr
	for _, cause := range []string{"Ada (microphone) is not recorded: it", "Ada (camera) is not recorded: it", "none of the keys opens them: is it another passphrase?"} {
		l.until("it says "+cause, func() bool { return strings.Contains(rec.stderr(), cause) })
	}
	code, errs := rec.stop(syscall.SIGTERM), rec.stderr()
	if code != 3 {
		t.Fatalf("exit code %d, want 3\n%s", code, errs)
	}
	if env, err := os.ReadFile(asked); err != nil || !strings.Contains(string(env), "PATH=") ||
		strings.Contains(string(env), l.lk.APISecret) || strings.Contains(string(env), labPassphrase) {
		t.Errorf("the token command's environment: %v\n%s", err, env)
	}
	if !strings.Contains(errs, "hint: nothing could be decrypted: is this the passphrase that the members use?") {
		t.Errorf("no hint:\n%s", errs)
	}
	plain := filepath.Join(l.dir, "plain")
	if _, errs, code := l.run(home, nil, "decrypt", rec.id, "--store", store, "-o", plain); code != 3 {
		t.Errorf("decrypt: exit code %d, want 3: the recording has holes\n%s", code, errs)
	}
	files, err := filepath.Glob(filepath.Join(plain, "*.mkv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if s := probeAll(t, f); s != "" {
			t.Errorf("%s holds media: %s", filepath.Base(f), s)
		}
	}
	info, _, _ := l.run(home, nil, "info", rec.id, "--store", store, "--json")
	if !strings.Contains(info, `"auth"`) {
		t.Errorf("info does not declare the holes:\n%s", info)
	}
}

// probeAll returns the packets of sound and picture that a file holds.
func probeAll(t *testing.T, file string) string {
	t.Helper()
	var all []byte
	for _, kind := range []string{"a", "v"} {
		out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", kind, "-show_entries", "packet=codec_type", "-of", "csv", file).Output()
		if err != nil {
			t.Fatalf("ffprobe: %v", err)
		}
		all = append(all, out...)
	}
	return string(bytes.TrimSpace(all))
}

// TestSpoolThatCannotBeWritten puts the spool on a disk that is full or read
// only, in a mount namespace of its own.
func TestSpoolThatCannotBeWritten(t *testing.T) {
	l := newLab(t)
	l.publisher(l.room("r"), "ada", "Ada")
	for _, tt := range []struct {
		name, options, says, hint string
		recorded                  bool
	}{
		{"full", "size=4m", "no space left on device", "make room", true},
		{"read only", "ro", "read-only file system", "SEALTAPE_HOME", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home, _ := l.person("Recorder " + tt.name)
			spool, store := filepath.Join(home, "spool"), filepath.Join(l.dir, "store-"+tt.name)
			cmd := l.command(home, l.livekitVars(), "record", "--room", l.room("r"), "--store", store, "--reader", "Recorder "+tt.name,
				"--segment", "1s", "--keep-local") // or what is stored makes room
			// The inner shell mounts, then becomes the program. Something else on
			// that disk fills it in the middle of the recording, and takes every
			// byte that becomes free again for as long as the program runs.
			script := `mount -t tmpfs -o "mode=0700,$1" tmpfs "$2" || exit 99
				[ "$1" = ro ] || (while kill -0 $$ 2>/dev/null; do
					[ -e "$2"/*/segments/000001.age ] && cat /dev/zero 2>/dev/null >> "$2/other"; sleep 0.02; done) &
				shift 2; exec -a sealtape "$@"`
			cmd.Args = append([]string{"unshare", "--map-root-user", "--mount", "bash", "-c", script, "bash", tt.options, spool, cmd.Path}, cmd.Args[1:]...)
			var err error
			if cmd.Path, err = exec.LookPath("unshare"); err != nil {
				t.Fatal(err)
			}
			rec := l.begin(cmd)
			if tt.recorded {
				l.until("the disk is full", func() bool { return strings.Contains(rec.stderr(), "the disk is full") })
				rec.signal(syscall.SIGTERM)
			}
			if code := rec.wait(); code != 1 {
				t.Fatalf("exit code %d, want 1\n%s", code, rec.stderr())
			}
			if !strings.Contains(rec.stderr(), tt.says) || !strings.Contains(rec.stderr(), "hint: ") || !strings.Contains(rec.stderr(), tt.hint) {
				t.Errorf("says:\n%s", rec.stderr())
			}
			if !tt.recorded {
				if rec.stdout() != "" {
					t.Errorf("printed %q", rec.stdout())
				}
				return
			}
			// What fitted was stored, and is whole.
			id := strings.TrimSpace(rec.stdout())
			verified, verrs, code := l.run(home, nil, "verify", id, "--store", store)
			if code != 0 && code != 3 {
				t.Errorf("verify: exit code %d\n%s%s", code, verified, verrs)
			}
			if segments, err := filepath.Glob(filepath.Join(store, id, "segments", "*.age")); err != nil || len(segments) == 0 {
				t.Errorf("nothing was stored: %v", err)
			}
		})
	}
}
