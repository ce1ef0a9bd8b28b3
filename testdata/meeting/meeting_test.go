// Package meeting measures what it costs to record a real meeting: a LiveKit
// room of 30 members who speak, 6 of them before a camera of 720p at 1 Mbit/s,
// end-to-end encrypted, recorded by the sealtape command, which decrypts, seals
// and copies to a store. The yardstick is the same room without encryption,
// recorded the plain way to one file a track by LiveKit's SDK and pion.
//
// And it measures what a fleet's worker costs with more and more small rooms, a process for
// each, beside as many plain recorders.
//
// Each recorder is a process of its own, and its cost is the CPU time that the
// system counted for it. They run one after the other, on one machine with the
// server and all members.
package meeting_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

const (
	speakers   = 30
	cameras    = 6
	passphrase = "correct horse"
	most       = 1.3 // times the plain recorder's CPU time
)

// length is how long each recording is: 5 minutes, 20 s with -short, or what
// MEETING says.
func length(b *testing.B) time.Duration {
	if s := os.Getenv("MEETING"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	if testing.Short() {
		return 20 * time.Second
	}
	return 5 * time.Minute
}

// BenchmarkMeeting runs once, however large b.N is.
func BenchmarkMeeting(b *testing.B) {
	if b.N > 1 {
		return
	}
	d := length(b)
	ctx, cancel := context.WithTimeout(b.Context(), 2*d+10*time.Minute)
	defer cancel()
	dir := b.TempDir()
	run(b, ctx, dir, nil, "go", "build", "-o", filepath.Join(dir, "sealtape"), "github.com/sealtape/sealtape/cmd/sealtape")
	camera := filepath.Join(dir, "camera.ivf")
	run(b, ctx, dir, nil, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10",
		"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-lag-in-frames", "0",
		"-b:v", "1M", "-minrate", "1M", "-maxrate", "1M", "-g", "60", camera)
	video, err := os.ReadFile(camera)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("camera: %.2f Mbit/s", float64(len(video))*8/10/1e6)

	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: func(line string) { b.Log(line) }})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Kill()
	plain := recordPlain(b, ctx, s, dir, video, d)
	ours := recordSealed(b, ctx, s, dir, video, d)
	b.Logf("%v of %d speakers and %d cameras: sealtape %.2f CPU seconds (%.1f %% of a core), plain %.2f (%.1f %%), %.2f times, at most %.1f",
		d, speakers, cameras, ours.Seconds(), 100*ours.Seconds()/d.Seconds(), plain.Seconds(), 100*plain.Seconds()/d.Seconds(),
		ours.Seconds()/plain.Seconds(), most)
	b.ReportMetric(ours.Seconds(), "ours:CPU-s")
	b.ReportMetric(plain.Seconds(), "bare:CPU-s")
	b.ReportMetric(100*plain.Seconds()/ours.Seconds(), "%ofbare")
	b.ReportMetric(100/most, "%target")
}

// meet fills a room. The returned function empties it.
func meet(b *testing.B, ctx context.Context, s *servers.LiveKit, room, passphrase string, video []byte) (leave func()) {
	b.Helper()
	all := make([]*members.Member, speakers)
	errs := make([]error, speakers)
	var joining sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range all {
		joining.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c := members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: room,
				Identity: fmt.Sprintf("member-%02d", i), Name: fmt.Sprintf("Member %d", i), Passphrase: passphrase, Audio: fixtures.Speech(i)}
			if i < cameras {
				c.Video = video
			}
			all[i], errs[i] = members.Join(ctx, c)
		})
	}
	joining.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	return func() {
		var leaving sync.WaitGroup
		for i, m := range all {
			leaving.Go(func() { errs[i] = m.Leave() })
		}
		leaving.Wait()
		if err := errors.Join(errs...); err != nil {
			b.Error(err)
		}
	}
}

func recordPlain(b *testing.B, ctx context.Context, s *servers.LiveKit, dir string, video []byte, d time.Duration) time.Duration {
	b.Helper()
	leave := meet(b, ctx, s, "plain", "", video)
	defer leave()
	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: "plain", Identity: "recorder"})
	if err != nil {
		b.Fatal(err)
	}
	folder := filepath.Join(dir, "plain")
	if err := os.Mkdir(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	in, err := json.Marshal(job{URL: s.URL, Token: token, Folder: folder, Tracks: speakers + cameras, Duration: d})
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(environment(dir), childVar+"=1")
	cmd.Stdin = bytes.NewReader(in)
	out := start(b, cmd)
	var t tape
	if err := json.Unmarshal(out, &t); err != nil {
		b.Fatal(err)
	}
	want := int64(d.Seconds() * 0.9 * (speakers*50 + cameras*30))
	if t.Packets < want {
		b.Errorf("the plain recorder got %d packets, fewer than %d", t.Packets, want)
	}
	b.Logf("plain: %d packets, %d times a sample was given up, %d bytes, %s", t.Packets, t.Dropped, size(b, folder), usage(cmd))
	return cpu(cmd)
}

func recordSealed(b *testing.B, ctx context.Context, s *servers.LiveKit, dir string, video []byte, d time.Duration) time.Duration {
	b.Helper()
	leave := meet(b, ctx, s, "sealed", passphrase, video)
	defer leave()
	key, store, sealtape := filepath.Join(dir, "room.key"), filepath.Join(dir, "store"), filepath.Join(dir, "sealtape")
	if err := os.WriteFile(key, []byte(passphrase+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	secret := filepath.Join(dir, "api.secret")
	if err := os.WriteFile(secret, []byte(s.APISecret+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	env := append(environment(dir), "SEALTAPE_HOME="+filepath.Join(dir, "home"))
	run(b, ctx, dir, env, sealtape, "keys", "init", "--recorder", "--name", "Ada", "--no-passphrase")
	cmd := exec.CommandContext(ctx, sealtape, "record", "--room", "sealed", "--store", store, "--reader", "Ada", "--url", s.URL,
		"--api-key", s.APIKey, "--api-secret-file", secret, "--e2ee-passphrase-file", key, "--duration", d.String())
	cmd.Env, cmd.Dir = env, dir
	id := strings.TrimSpace(string(bytes.SplitN(start(b, cmd), []byte("\n"), 2)[0]))

	var info struct {
		State      string
		Duration   float64
		Incomplete bool
		Tracks     []struct{ Source string }
		Holes      []struct {
			Label, Reason string
			From, To      float64
		}
	}
	if err := json.Unmarshal(run(b, ctx, dir, env, sealtape, "info", "--json", "--store", store, id), &info); err != nil {
		b.Fatal(err)
	}
	if info.Incomplete || len(info.Holes) > 0 {
		b.Errorf("the recording has holes: %+v", info.Holes)
	}
	if len(info.Tracks) != speakers+cameras || info.Duration < d.Seconds()*0.95 {
		b.Errorf("the recording has %d tracks and lasts %.1f s", len(info.Tracks), info.Duration)
	}
	b.Logf("sealtape: %s, %.1f s, %d tracks, %d bytes, %s", info.State, info.Duration, len(info.Tracks), size(b, store), usage(cmd))
	return cpu(cmd)
}

// start runs cmd and returns what it wrote to its standard output.
func start(b *testing.B, cmd *exec.Cmd) []byte {
	b.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		b.Errorf("%s: %v\n%s", filepath.Base(cmd.Path), err, errOut.Bytes())
	}
	return out.Bytes()
}

// run runs a command that has to work.
func run(b *testing.B, ctx context.Context, dir string, env []string, name string, args ...string) []byte {
	b.Helper()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	if env != nil {
		cmd.Dir = dir
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil && !(cmd.ProcessState.ExitCode() == 3 && len(out) > 0) { // 3: with holes
		b.Fatalf("%s %s: %v\n%s", filepath.Base(name), args[0], err, errOut.Bytes())
	}
	return out
}

// environment is what a recorder needs, and no secret of ours.
func environment(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + cmp.Or(os.Getenv("TMPDIR"), os.TempDir())}
}

func cpu(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func usage(cmd *exec.Cmd) string {
	return fmt.Sprintf("user %.2f s, system %.2f s on %s", cmd.ProcessState.UserTime().Seconds(), cmd.ProcessState.SystemTime().Seconds(), runtime.GOARCH)
}

func size(b *testing.B, dir string) (sum int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		fi, err := e.Info()
		if err == nil {
			sum += fi.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}
