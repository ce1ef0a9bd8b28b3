//go:build packages

package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

// walk reads a tar, packed or not.
func walk(t *testing.T, b []byte, see func(*tar.Header, []byte)) {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		see(h, data)
	}
}

// imageRoot lays the image for this machine out in a folder, as a container runtime does,
// and returns the folder and how the image says that it is run.
func imageRoot(t *testing.T) (root string, config imageConfig) {
	t.Helper()
	b, err := os.ReadFile(released(t, "*_oci.tar"))
	if err != nil {
		t.Fatal(err)
	}
	blobs := make(map[string][]byte)
	walk(t, b, func(h *tar.Header, data []byte) { blobs[h.Name] = data })
	type descriptor struct {
		Digest   string
		Platform struct{ Architecture string }
	}
	var index struct{ Manifests []descriptor }
	read := func(digest string, to any) {
		name := "index.json"
		if digest != "" {
			name = "blobs/" + strings.Replace(digest, ":", "/", 1)
		}
		if err := json.Unmarshal(blobs[name], to); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	read("", &index)
	read(index.Manifests[0].Digest, &index)
	root = t.TempDir()
	for _, m := range index.Manifests {
		if m.Platform.Architecture != runtime.GOARCH {
			continue
		}
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		read(m.Digest, &manifest)
		read(manifest.Config.Digest, &config)
		for _, l := range manifest.Layers {
			walk(t, blobs["blobs/"+strings.Replace(l.Digest, ":", "/", 1)], func(h *tar.Header, data []byte) {
				lay(t, filepath.Join(root, filepath.FromSlash(h.Name)), h, data)
			})
		}
	}
	return root, config
}

type imageConfig struct {
	Config struct {
		User            string
		Env, Entrypoint []string
	}
}

func lay(t *testing.T, to string, h *tar.Header, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.Typeflag == tar.TypeDir {
		err = os.MkdirAll(to, 0o755)
	} else {
		err = os.WriteFile(to, data, fs.FileMode(h.Mode).Perm())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contained returns the command line that runs a program of the image as a strict runtime
// would: its root is read-only, it is uid 65532 and can become nobody else, has no
// capability, and sees no process and no file but its own and what mounts, flags of bwrap,
// add. home is its volume.
func contained(t *testing.T, root, home string, config imageConfig, mounts []string, env ...string) []string {
	t.Helper()
	uid, gid, _ := strings.Cut(config.Config.User, ":")
	for _, dir := range []string{"proc", "dev", "etc/sealtape/policies"} { // which runtimes make
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", home, "/var/lib/sealtape",
		"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup", "--uid", uid, "--gid", gid,
		"--cap-drop", "ALL", "--die-with-parent", "--new-session", "--chdir", "/var/lib/sealtape", "--clearenv"}
	args = append(args, mounts...)
	for _, v := range append(config.Config.Env, env...) {
		name, value, _ := strings.Cut(v, "=")
		args = append(args, "--setenv", name, value)
	}
	return append(append(args, "--"), config.Config.Entrypoint...)
}

// TestImageRuns: the image's root, read-only and without any rights, makes keys and records
// the demo's room.
func TestImageRuns(t *testing.T) {
	root, config := imageRoot(t)
	if config.Config.User != "65532:65532" {
		t.Errorf("it runs as %s", config.Config.User)
	}
	home := filepath.Join(t.TempDir(), "recorder")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	within := func(env []string, args ...string) (string, error) {
		return try(t, nil, "bwrap", append(contained(t, root, home, config, nil, env...), args...)...)
	}
	if out, err := within(nil, "--version"); err != nil || !strings.Contains(out, "linux/"+runtime.GOARCH) {
		t.Fatalf("%q %v", out, err)
	}
	for range 2 {
		if out, err := within(nil, "keys", "init", "--name", "Recorder Demo", "--recorder", "--no-passphrase", "--if-none"); err != nil {
			t.Fatalf("%q %v", out, err)
		}
	}
	if out, err := within(nil, "keys", "card", "-o", "/usr/bin/card"); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("it writes to its root: %q %v", out, err)
	}

	room := newDemoRoom(t, home)
	out, err := within([]string{"LIVEKIT_URL=" + room.server.URL, "LIVEKIT_API_KEY=" + room.server.APIKey, "LIVEKIT_API_SECRET=" + room.server.APISecret},
		"record", "--room", demoRoom, "--room-keys", "members", "--store", "/var/lib/sealtape/store", "--reader", "Alice Demo", "--duration", "8s")
	if err != nil {
		t.Fatalf("%q %v", out, err)
	}
	if out, err := within(nil, "verify", "last", "--store", "/var/lib/sealtape/store"); err != nil || !strings.Contains(out, "verified: closed") || strings.Contains(out, "objects:      1 ") {
		t.Errorf("%s %v", out, err)
	}
}

const demoRoom = "board-meeting-of-the-demo"

// A meetingRoom is the demo's: two members who make the room's keys and agree to be recorded
// by who they know.
type meetingRoom struct{ server *servers.LiveKit }

// newDemoRoom starts a server, makes cards, has everybody trust the recorder whose home
// is given, and lets two members join.
func newDemoRoom(t *testing.T, recorder string) *meetingRoom {
	t.Helper()
	server, err := servers.StartLiveKit(t.Context(), servers.LiveKitConfig{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var answering sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		answering.Wait()
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	names := map[string]string{"alice": "Alice Demo", "bob": "Bob Demo"}
	homes := map[string]*keys.Home{"recorder": home(t, recorder)}
	cards := map[string]keys.Card{"recorder": card(t, homes["recorder"])}
	for who, name := range names {
		homes[who] = home(t, filepath.Join(t.TempDir(), who))
		if _, err := homes[who].InitAs(keys.Description{Name: name}, nil); err != nil {
			t.Fatal(err)
		}
		cards[who] = card(t, homes[who])
	}
	for who, h := range homes {
		for other, c := range cards {
			if who != other {
				if err := h.Add(c); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	n := 0
	for who, name := range names {
		id, err := homes[who].Load(nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := members.Join(ctx, members.Config{
			URL: server.URL, APIKey: server.APIKey, APISecret: server.APISecret, Room: demoRoom, Identity: who, Name: name, RoomKeys: true,
			Audio: media.Speech(n), Video: media.Clock(n), Key: id, Judge: homes[who],
		})
		if err != nil {
			t.Fatal(err)
		}
		n++
		answering.Go(func() {
			agree(ctx, m)
			<-ctx.Done()
			_ = m.Leave() // the server ends next
		})
	}
	return &meetingRoom{server}
}

// agree says yes to the verified recorder, once it records.
func agree(ctx context.Context, m *members.Member) {
	var recorder string
	_ = m.Wait(ctx, func() bool { // it ends with ctx
		for _, p := range m.Session().Peers() {
			if p.Recorder && p.Standing == member.Verified && p.State.Phase == "recording" {
				recorder = p.Identity
			}
		}
		return recorder != ""
	})
	if recorder != "" {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_ = m.Answer(ctx, recorder, true) // what is recorded tells
	}
}

func home(t *testing.T, dir string) *keys.Home {
	t.Helper()
	h, err := keys.OpenHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func card(t *testing.T, h *keys.Home) keys.Card {
	t.Helper()
	c, err := h.OwnCard()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
