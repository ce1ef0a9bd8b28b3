package checkup

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/internal/words"
)

// wantFinding fails the test unless r has one finding, with this result and text
// in it, and a hint just where there is something to do.
func wantFinding(t *testing.T, r *Report, result, text string) {
	t.Helper()
	if len(r.Findings) != 1 {
		t.Fatalf("findings: %+v", r.Findings)
	}
	f := r.Findings[0]
	if f.Result != result || !strings.Contains(f.Text, text) {
		t.Errorf("%s: %q, want %s: %q", f.Result, f.Text, result, text)
	}
	if todo := f.Result == Warning || f.Result == Failed; todo != (f.Hint != "") {
		t.Errorf("%s with hint %q", f.Result, f.Hint)
	}
}

func TestCores(t *testing.T) {
	for _, tt := range []struct {
		limit         uint64
		pattern, want string
		text          string
	}{
		{0, "core", OK, "off"},
		{1 << 20, "", OK, "off"},
		{1 << 20, "core.%p", Warning, `a file "core.%p"`},
		{^uint64(0), "|/usr/lib/systemd/systemd-coredump %P %u", Warning, "to /usr/lib/systemd/systemd-coredump"},
		{0, "|/usr/share/apport/apport -p%p", OK, "/usr/share/apport/apport is told"},
		{1, "|/bin/dump", OK, "off, by a limit of 1"},
	} {
		x := machine.Exposure{Dumpable: true, CoreLimit: tt.limit, CorePattern: tt.pattern}
		r := &Report{}
		cores(r, x)
		wantFinding(t, r, tt.want, tt.text)
		x.Dumpable = false
		r = &Report{}
		cores(r, x)
		wantFinding(t, r, OK, "off, by sealtape itself")
	}
	for dumpable, want := range map[bool]string{true: Warning, false: OK} {
		r := &Report{}
		memory(r, machine.Exposure{Dumpable: dumpable})
		wantFinding(t, r, want, "of this user")
	}
}

func TestSwap(t *testing.T) {
	for _, tt := range []struct {
		disks      []string
		want, text string
	}{
		{nil, OK, "none on a disk"},
		{[]string{"/dev/dm-1", "/swapfile"}, Warning, "written to /dev/dm-1, /swapfile"},
	} {
		r := &Report{}
		swap(r, tt.disks)
		wantFinding(t, r, tt.want, tt.text)
	}
}

func TestSpace(t *testing.T) {
	for free, want := range map[int64]string{0: Warning, 1<<30 - 1: Warning, 1 << 30: OK, 1 << 40: OK} {
		r := &Report{}
		space(r, "spool", free)
		wantFinding(t, r, want, words.Size(free))
	}
	if free, err := machine.FreeSpace(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Errorf("%d bytes free in a folder that is missing", free)
	}
}

func TestTryWriting(t *testing.T) {
	folder := t.TempDir()
	if err := tryWriting(folder); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := tryWriting(filepath.Join(folder, "missing")); err == nil {
		t.Error("a folder that is missing can be written to")
	}
}

// The clock is compared with the server's, whatever else the server says.
func TestClock(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "something")
	for _, tt := range []struct {
		name       string
		off        time.Duration // of the server's clock
		want, text string
	}{
		{"right", 0, OK, "agrees"},
		{"a little off", 30 * time.Second, OK, "agrees"},
		{"server ahead", time.Hour, Warning, "behind the clock of the store's server"},
		{"server behind", -time.Hour, Warning, "ahead of the clock of the store's server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					t.Error("credentials were sent")
				}
				w.Header().Set("Date", time.Now().Add(tt.off).UTC().Format(http.TimeFormat))
				http.Error(w, "who are you?", http.StatusForbidden)
			}))
			defer srv.Close()
			t.Setenv("AWS_ENDPOINT_URL_S3", srv.URL)
			r := &Report{}
			Clock(t.Context(), r, "s3://bucket/prefix")
			wantFinding(t, r, tt.want, tt.text)
		})
	}
	t.Run("no clock", func(t *testing.T) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
		}))
		defer srv.Close()
		t.Setenv("AWS_ENDPOINT_URL_S3", srv.URL)
		r := &Report{}
		Clock(t.Context(), r, "s3://bucket")
		wantFinding(t, r, Unknown, "does not tell the time")
	})
}

func TestLiveKit(t *testing.T) {
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("sent %s, %v", r.URL, r.Header)
		}
		w.WriteHeader(status)
	}))
	defer srv.Close()
	for _, tt := range []struct {
		url        string
		status     int
		want, text string
	}{
		{"ws" + strings.TrimPrefix(srv.URL, "http"), 200, OK, "127.0.0.1 answers"},
		{srv.URL + "?access_token=secret", 200, OK, "127.0.0.1 answers"},
		{srv.URL, 502, Warning, "502 Bad Gateway"},
		{srv.URL, 302, Warning, "302"},
		{"meet", 0, Failed, "not of the form"},
		{"ftp://127.0.0.1", 0, Failed, "not of the form"},
		{"wss://user:secret@127.0.0.1:1", 0, Failed, "not of the form"},
		{"ws://127.0.0.1:1", 0, Failed, "no answer"},
		{"://secret", 0, Failed, "not of the form"},
	} {
		status = tt.status
		r := &Report{}
		LiveKit(t.Context(), r, tt.url)
		wantFinding(t, r, tt.want, tt.text)
		if strings.Contains(r.Findings[0].Text, "secret") {
			t.Errorf("shows a secret: %s", r.Findings[0].Text)
		}
	}
}

// A store with a fault, for what doctor says of it.
type faultyStore struct {
	storetest.Mem
	overwrites, keeps bool
}

func (s *faultyStore) Put(ctx context.Context, name string, b archive.Blob) error {
	b.Replace = b.Replace || s.overwrites
	return s.Mem.Put(ctx, name, b)
}

func (s *faultyStore) Delete(ctx context.Context, name string) error {
	if s.keeps {
		return archive.ErrDenied
	}
	return s.Mem.Delete(ctx, name)
}

func TestStore(t *testing.T) {
	for _, tt := range []struct {
		name        string
		store       *faultyStore
		which, want string // the only finding that is not ok
		text, hint  string
	}{
		{"overwrites", &faultyStore{overwrites: true}, storecheck.PutIfAbsent, Failed, "ignores put-if-absent", "If-None-Match"},
		{"may not delete", &faultyStore{keeps: true}, storecheck.Delete, Warning, "stay behind below probe-", "s3:DeleteObject"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Report{}
			Store(t.Context(), r, tt.store, time.Minute)
			if len(r.Findings) != 8 {
				t.Errorf("%d findings", len(r.Findings))
			}
			r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Result == OK })
			wantFinding(t, r, tt.want, tt.text)
			if f := r.Findings[0]; f.Name != tt.which || !strings.Contains(f.Hint, tt.hint) {
				t.Errorf("%s, hint %q", f.Name, f.Hint)
			}
		})
	}
}
