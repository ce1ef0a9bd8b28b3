//go:build unix

package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// wantFinding fails the test unless d has one finding, with this result and text
// in it, and a hint just where there is something to do.
func wantFinding(t *testing.T, d *diagnosis, result, text string) {
	t.Helper()
	if len(d.Findings) != 1 {
		t.Fatalf("findings: %+v", d.Findings)
	}
	f := d.Findings[0]
	if f.Result != result || !strings.Contains(f.Text, text) {
		t.Errorf("%s: %q, want %s: %q", f.Result, f.Text, result, text)
	}
	if todo := f.Result == isWarning || f.Result == isFailed; todo != (f.Hint != "") {
		t.Errorf("%s with hint %q", f.Result, f.Hint)
	}
}

func TestCoreFinding(t *testing.T) {
	for _, tt := range []struct {
		limit         uint64
		pattern, want string
		text          string
	}{
		{0, "core\n", isOK, "off"},
		{1 << 20, "\n", isOK, "off"},
		{1 << 20, "core.%p\n", isWarning, `a file "core.%p"`},
		{^uint64(0), "|/usr/lib/systemd/systemd-coredump %P %u\n", isWarning, "to /usr/lib/systemd/systemd-coredump"},
		{0, "|/usr/share/apport/apport -p%p\n", isOK, "/usr/share/apport/apport is told"},
		{1, "|/bin/dump", isOK, "off, by a limit of 1"},
	} {
		d := &diagnosis{}
		coreFinding(d, tt.limit, true, tt.pattern)
		wantFinding(t, d, tt.want, tt.text)
		d = &diagnosis{}
		coreFinding(d, tt.limit, false, tt.pattern)
		wantFinding(t, d, isOK, "off, by sealtape itself")
	}
	for open, want := range map[bool]string{true: isWarning, false: isOK} {
		d := &diagnosis{}
		memoryFinding(d, open)
		wantFinding(t, d, want, "of this user")
	}
}

func TestSwapFinding(t *testing.T) {
	const head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for _, tt := range []struct{ swaps, want, text string }{
		{head, isOK, "none"},
		{"", isOK, "none"},
		{head + "/dev/zram0                              partition\t8131580\t\t0\t\t100\n", isOK, "none on a disk"},
		{head + "/dev/zram0 partition\t1\t0\t100\n/dev/dm-1                               partition\t999420\t\t0\t\t-2\n/swapfile\tfile\t1\t0\t-3\n",
			isWarning, "written to /dev/dm-1, /swapfile"},
	} {
		d := &diagnosis{}
		swapFinding(d, diskSwaps(tt.swaps))
		wantFinding(t, d, tt.want, tt.text)
	}
}

func TestSpaceFinding(t *testing.T) {
	for free, want := range map[int64]string{0: isWarning, 1<<30 - 1: isWarning, 1 << 30: isOK, 1 << 40: isOK} {
		d := &diagnosis{}
		spaceFinding(d, "spool", free)
		wantFinding(t, d, want, size(free))
	}
	if free, err := freeSpace(filepath.Join(t.TempDir(), "missing")); err == nil {
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
func TestCheckClock(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "something")
	for _, tt := range []struct {
		name       string
		off        time.Duration // of the server's clock
		want, text string
	}{
		{"right", 0, isOK, "agrees"},
		{"a little off", 30 * time.Second, isOK, "agrees"},
		{"server ahead", time.Hour, isWarning, "behind the clock of the store's server"},
		{"server behind", -time.Hour, isWarning, "ahead of the clock of the store's server"},
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
			d := &diagnosis{}
			checkClock(t.Context(), d, "s3://bucket/prefix")
			wantFinding(t, d, tt.want, tt.text)
		})
	}
	t.Run("no clock", func(t *testing.T) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
		}))
		defer srv.Close()
		t.Setenv("AWS_ENDPOINT_URL_S3", srv.URL)
		d := &diagnosis{}
		checkClock(t.Context(), d, "s3://bucket")
		wantFinding(t, d, isUnknown, "does not tell the time")
	})
}

func TestCheckLiveKit(t *testing.T) {
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
		{"ws" + strings.TrimPrefix(srv.URL, "http"), 200, isOK, "127.0.0.1 answers"},
		{srv.URL + "?access_token=secret", 200, isOK, "127.0.0.1 answers"},
		{srv.URL, 502, isWarning, "502 Bad Gateway"},
		{srv.URL, 302, isWarning, "302"},
		{"meet", 0, isFailed, "not of the form"},
		{"ftp://127.0.0.1", 0, isFailed, "not of the form"},
		{"wss://user:secret@127.0.0.1:1", 0, isFailed, "not of the form"},
		{"ws://127.0.0.1:1", 0, isFailed, "no answer"},
		{"://secret", 0, isFailed, "not of the form"},
	} {
		status = tt.status
		d := &diagnosis{}
		checkLiveKit(t.Context(), d, tt.url)
		wantFinding(t, d, tt.want, tt.text)
		if strings.Contains(d.Findings[0].Text, "secret") {
			t.Errorf("shows a secret: %s", d.Findings[0].Text)
		}
	}
}

// Who was pinned with classic keys is named.
func TestCheckClassicKeys(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Cleo", "Hugh"} {
		id, err := keys.Generate(name)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err == nil && name == "Cleo" {
			card, err = classicCard(id)
		}
		if err == nil {
			err = h.Add(card)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SEALTAPE_HOME", h.Dir())
	d, e := &diagnosis{}, &env{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	if got, _ := e.checkKeys(t.Context(), d); got == nil {
		t.Fatalf("%+v", d.Findings)
	}
	var said []string
	for _, f := range d.Findings {
		said = append(said, f.Result+" "+f.Name+": "+f.Text)
	}
	all := strings.Join(said, "\n")
	if !strings.Contains(all, "ok pinned cards: 2: Cleo, Hugh\nwarning classic keys: Cleo") {
		t.Errorf("got:\n%s", all)
	}
}

// classicCard returns the card of id with a classic key in place of its own.
func classicCard(id *keys.Identity) (keys.Card, error) {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		return keys.Card{}, err
	}
	card, err := id.Card()
	if err != nil {
		return keys.Card{}, err
	}
	b, err := card.Marshal()
	if err != nil {
		return keys.Card{}, err
	}
	n, err := note.Open(b, note.VerifierList(card.Verifier()))
	if err != nil {
		return keys.Card{}, err
	}
	text := strings.Replace(n.Text, card.Recipients[0], x.Recipient().String(), 1)
	if b, err = note.Sign(&note.Note{Text: text}, id.Signer()); err != nil {
		return keys.Card{}, err
	}
	return keys.ParseCard(b)
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

func TestCheckPromises(t *testing.T) {
	for _, tt := range []struct {
		name        string
		store       *faultyStore
		which, want string // the only finding that is not ok
		text, hint  string
	}{
		{"overwrites", &faultyStore{overwrites: true}, storecheck.PutIfAbsent, isFailed, "ignores put-if-absent", "If-None-Match"},
		{"may not delete", &faultyStore{keeps: true}, storecheck.Delete, isWarning, "stay behind below probe-", "s3:DeleteObject"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &diagnosis{}
			checkPromises(t.Context(), d, tt.store)
			if len(d.Findings) != 8 {
				t.Errorf("%d findings", len(d.Findings))
			}
			d.Findings = slices.DeleteFunc(d.Findings, func(f finding) bool { return f.Result == isOK })
			wantFinding(t, d, tt.want, tt.text)
			if f := d.Findings[0]; f.Name != tt.which || !strings.Contains(f.Hint, tt.hint) {
				t.Errorf("%s, hint %q", f.Name, f.Hint)
			}
		})
	}
}

// Of many recordings, those made here last are looked at first.
func TestCheckRecordingsLimit(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var store storetest.Mem
	var ours []string
	for i := range doctorRecordings + 10 {
		id := archive.NewID()
		store.Set(id+"/head", []byte("not a head"))
		if i < 3 {
			ours = append(ours, id)
			if err := recorded(h, id, time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC)); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(ours)
	e := &env{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	for _, all := range []bool{false, true} {
		d := &diagnosis{}
		if err := e.checkRecordings(t.Context(), d, h, &store, nil, all); err != nil {
			t.Fatal(err)
		}
		looked := doctorRecordings
		if all {
			looked += 10
		}
		if len(d.Recordings) != looked || d.LeftOut != doctorRecordings+10-looked || d.failed() != looked {
			t.Errorf("all %t: %d recordings, %d left out, %d failed", all, len(d.Recordings), d.LeftOut, d.failed())
		}
		for i, id := range ours {
			if d.Recordings[i].ID != id {
				t.Errorf("all %t: recording %d is not one of ours, in order", all, i)
			}
		}
	}
}

// A real server passes, and one that does not take the key is told as such.
func TestDoctorS3(t *testing.T) {
	sample.Live(t)
	m := minIO.get(t)
	bucket := "doctor-" + newMark()
	if err := m.Bucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	for name, value := range map[string]string{
		"SEALTAPE_HOME": home, "SEALTAPE_PASSPHRASE": "", "SEALTAPE_STORE": "", "LIVEKIT_URL": "",
		"AWS_ENDPOINT_URL_S3": m.Endpoint, "AWS_ACCESS_KEY_ID": m.AccessKey, "AWS_SECRET_ACCESS_KEY": m.SecretKey,
		"AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
	} {
		t.Setenv(name, value)
	}
	h, err := keys.OpenHome(home)
	if err == nil {
		_, err = h.InitAs(keys.Description{Name: "Ada", Role: keys.Recorder}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	doctor := func() (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		app := newApp(e)
		code = e.exit(app.RunContext(t.Context(), []string{"sealtape", "doctor", "--store", "s3://" + bucket + "/archive"}))
		return code, out.String(), errs.String()
	}
	code, stdout, stderr := doctor()
	for _, want := range []string{"agrees with that of the store's server", "put-if-absent  a name that is taken is refused", "there are none yet"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("does not say %q", want)
		}
	}
	if code != 0 || strings.Contains(stdout, isFailed) {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}

	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	code, stdout, _ = doctor()
	if code != 1 || !strings.Contains(stdout, "access denied") || !strings.Contains(stdout, "hint: check AWS_ACCESS_KEY_ID") {
		t.Errorf("wrong key: exit code %d:\n%s", code, stdout)
	}
	if strings.Contains(stdout, m.SecretKey) {
		t.Error("shows the secret key")
	}
}
