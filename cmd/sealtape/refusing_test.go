//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// refusing returns a variable that puts a server before the lab's S3 server which
// takes no more objects while refuse is true, for good, and says why.
func (l *lab) refusing(refuse *atomic.Bool) string {
	l.t.Helper()
	return l.refusingWith(refuse, http.StatusBadRequest, "InvalidRequest")
}

// refusingWith is refusing with an answer that may be for now only.
func (l *lab) refusingWith(refuse *atomic.Bool, status int, code string) string {
	l.t.Helper()
	to, err := url.Parse(minIO.get(l.t).Endpoint)
	if err != nil {
		l.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // which is signed
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || !refuse.Load() {
			proxy.ServeHTTP(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>this account is over its cap</Message></Error>", code)
	}))
	l.t.Cleanup(srv.Close)
	return "AWS_ENDPOINT_URL_S3=" + srv.URL
}

// A store that begins to refuse for good in the middle of a meeting does not keep
// the recorder for ever, nor another store from getting all: it ends with the
// store's own reason, and what it recorded is in the spool, whence recover takes it.
func TestStoreRefusesLater(t *testing.T) {
	l := newLab(t)
	store, folder := l.minIO(), filepath.Join(l.dir, "store")
	var refuse atomic.Bool
	l.vars = append(l.vars, l.refusing(&refuse))
	home, _ := l.person("Recorder")
	ada := l.publisher(l.room("r"), "ada", "Ada")
	rec := l.record(home, "--room", l.room("r"), "--store", store, "--store", folder, "--reader", "Recorder", "--segment", "1s", "--grace", "1ms")
	l.segments(home, store, rec.id, 1)
	refuse.Store(true)
	const refused = "the store does not take the recording; it waits in the spool"
	l.until("the store's refusal is told", func() bool { return strings.Contains(rec.stderr(), refused) })
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	if code := rec.wait(); code != ui.ExitFailed {
		t.Errorf("exit code %d, want %d", code, ui.ExitFailed)
	}
	for _, want := range []string{"the store did not take all of the recording: " + store + ": ", "this account is over its cap", "hint: it is safe in the spool"} {
		if !strings.Contains(rec.stderr(), want) {
			t.Errorf("does not say %q:\n%s", want, rec.stderr())
		}
	}
	if _, err := os.Stat(filepath.Join(home, "spool", rec.id, "head")); err != nil {
		t.Error(err)
	}
	whole := func(store string) {
		t.Helper()
		l.verifies(home, store, rec.id)
	}
	whole(folder)
	if _, errs, code := l.run(home, nil, "recover", "--store", folder, "--store", store); code != ui.ExitFailed || !strings.Contains(errs, "over its cap") {
		t.Errorf("recover: exit code %d\n%s", code, errs)
	}
	refuse.Store(false)
	if _, errs, _ := l.run(home, nil, "recover", "--store", folder); !strings.Contains(errs, "is for these stores together: ") {
		t.Errorf("recover to one of two:\n%s", errs)
	}
	l.must(home, "recover", "--store", folder, "--store", store)
	whole(store)
	if left, err := os.ReadDir(filepath.Join(home, "spool")); err != nil || len(left) > 0 {
		t.Errorf("the spool still holds %v (%v)", left, err)
	}
}

// A store that is away for now does not keep a recorder that is asked to end: it ends
// within seconds, says that the rest is safe, and the other store has all.
func TestSignalWhileStoreIsAway(t *testing.T) {
	l := newLab(t)
	store, folder := l.minIO(), filepath.Join(l.dir, "store")
	var refuse atomic.Bool
	l.vars = append(l.vars, l.refusingWith(&refuse, http.StatusServiceUnavailable, "SlowDown"))
	home, _ := l.person("Recorder")
	l.publisher(l.room("r"), "ada", "Ada")
	rec := l.record(home, "--room", l.room("r"), "--store", store, "--store", folder, "--reader", "Recorder", "--segment", "1s")
	l.segments(home, store, rec.id, 1)
	refuse.Store(true)
	if code := rec.stop(syscall.SIGTERM); code != ui.ExitFailed {
		t.Errorf("exit code %d, want %d", code, ui.ExitFailed)
	}
	for _, want := range []string{"the store is away and did not take all of the recording, ", store + ": ", "this account is over its cap", "hint: it is safe in the spool"} {
		if !strings.Contains(rec.stderr(), want) {
			t.Errorf("does not say %q:\n%s", want, rec.stderr())
		}
	}
	l.verifies(home, folder, rec.id)
	refuse.Store(false)
	l.must(home, "recover", "--store", folder, "--store", store)
	l.verifies(home, store, rec.id)
}
