package servers_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const canary = "this-must-not-leave-the-process"

// wantClosed fails the test if something still listens at the URL's host.
func wantClosed(t *testing.T, url string) {
	t.Helper()
	_, host, _ := strings.Cut(url, "://")
	conn, err := net.Dial("tcp", host)
	if err == nil {
		conn.Close()
		t.Errorf("something still listens at %s", host)
	}
}

func TestLiveKit(t *testing.T) {
	sample.Live(t)
	t.Setenv("SEALTAPE_PASSPHRASE", canary)
	t.Setenv("GOOGLE_API_KEY", canary)
	s, err := servers.StartLiveKit(t.Context(), servers.LiveKitConfig{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	if !strings.HasPrefix(s.URL, "ws://127.0.0.1:") || s.APIKey == "" || len(s.APISecret) < 32 {
		t.Errorf("got URL %q, key %q, a secret of %d characters", s.URL, s.APIKey, len(s.APISecret))
	}
	resp, err := http.Get("http" + strings.TrimPrefix(s.URL, "ws"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	wantChild(t, "livekit-server", s.APISecret)
	if log := s.Log(); !strings.Contains(log, "starting LiveKit server") || strings.Contains(log, s.APISecret) {
		t.Errorf("unexpected log:\n%s", log)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	wantClosed(t, s.URL)
}

func TestMinIO(t *testing.T) {
	sample.Live(t)
	t.Setenv("SEALTAPE_PASSPHRASE", canary)
	s, err := servers.StartMinIO(t.Context(), servers.MinIOConfig{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	if err := s.Bucket(t.Context(), "bucket"); err != nil {
		t.Error(err)
	}
	wantChild(t, "minio", s.SecretKey)
	if strings.Contains(s.Log(), s.SecretKey) {
		t.Error("the log shows the secret key")
	}
	s.Kill()
	wantClosed(t, s.Endpoint)
	if err := s.Stop(); err != nil {
		t.Errorf("Stop after Kill: %v", err)
	}
	if err := s.Bucket(t.Context(), "another"); err == nil {
		t.Error("a killed server made a bucket")
	}
}

// A homeserver asks nobody but us, and takes whoever registers.
func TestDendrite(t *testing.T) {
	sample.Live(t)
	t.Setenv("SEALTAPE_PASSPHRASE", canary)
	s, err := servers.StartDendrite(t.Context(), func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	resp, err := http.Post(s.URL+"/_matrix/client/v3/register", "application/json",
		strings.NewReader(`{"username":"ada","password":"a long password","auth":{"type":"m.login.dummy"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var who struct {
		UserID string `json:"user_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&who); err != nil || who.UserID != "@ada:"+s.Name {
		t.Errorf("registered as %q, %v", who.UserID, err)
	}
	wantChild(t, "dendrite", "")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	wantClosed(t, s.URL)
}

// The other S3 servers, too, learn nothing of us, and go with us.
func TestS3(t *testing.T) {
	sample.Live(t)
	t.Setenv("SEALTAPE_PASSPHRASE", canary)
	for name, start := range map[string]func(context.Context, func(string)) (*servers.S3, error){
		"versitygw": servers.StartVersityGW, "rclone": servers.StartRclone,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := start(t.Context(), func(s string) { t.Log(s) })
			if err != nil {
				t.Fatal(err)
			}
			defer s.Kill()
			if err := s.Bucket(t.Context(), "bucket"); err != nil {
				t.Error(err)
			}
			wantChild(t, name, s.SecretKey)
			if strings.Contains(s.Log(), s.SecretKey) {
				t.Error("the log shows the secret key")
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			wantClosed(t, s.Endpoint)
		})
	}
}

// wantChild looks at our child of that name, where the system shows it: there is
// none of our environment, no secret in the arguments, and it listens on the
// loopback interface only.
func wantChild(t *testing.T, name, secret string) {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := "/proc/" + e.Name()
		// pid (name) state ppid ...
		stat, _ := os.ReadFile(dir + "/stat")
		_, after, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(after)
		if len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		args, _ := os.ReadFile(dir + "/cmdline")
		if !strings.Contains(string(args), name) {
			continue
		}
		found++
		env, err := os.ReadFile(dir + "/environ")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(env), canary) {
			t.Errorf("process %d has our environment", pid)
		}
		if secret != "" && (!strings.Contains(string(env), secret) || strings.Contains(string(args), secret)) {
			t.Errorf("process %d: the secret is not in its environment, or is in its arguments", pid)
		}
		wantLoopback(t, dir)
	}
	if found != 1 {
		t.Errorf("found %d children named %s, want 1", found, name)
	}
}

// wantLoopback fails the test if the process of that folder below /proc has a
// socket bound to an address that others can reach.
func wantLoopback(t *testing.T, dir string) {
	t.Helper()
	own := make(map[string]bool)
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		link, _ := os.Readlink(dir + "/fd/" + fd.Name())
		if inode, ok := strings.CutPrefix(link, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	seen := 0
	for _, file := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open("/proc/net/" + file)
		if errors.Is(err, os.ErrNotExist) {
			continue // no IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || !own[fields[9]] {
				continue
			}
			seen++
			// 127.0.0.1 and ::1, in words of this machine's byte order
			if local := fields[1]; !strings.HasPrefix(local, "0100007F:") && !strings.HasPrefix(local, "00000000000000000000000001000000:") {
				t.Errorf("%s socket at %s", file, local)
			}
		}
	}
	if seen == 0 {
		t.Error("found no sockets of the server")
	}
}

func TestCancelledStart(t *testing.T) {
	sample.Live(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := servers.StartMinIO(ctx, servers.MinIOConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// A server that crashed comes back on the same port with what it had.
func TestCrashAndRestart(t *testing.T) {
	sample.Live(t)
	s, err := servers.StartMinIO(t.Context(), servers.MinIOConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	if err := s.Bucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(s.Endpoint); err == nil {
		resp.Body.Close()
		t.Error("a crashed server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Bucket(t.Context(), "bucket"); err == nil || !strings.Contains(err.Error(), "you already own it") {
		t.Errorf("the bucket is gone: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	wantClosed(t, s.Endpoint)

	// Stopped while it is away.
	if s, err = servers.StartMinIO(t.Context(), servers.MinIOConfig{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	wantClosed(t, s.Endpoint)
}
