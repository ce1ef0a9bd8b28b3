//go:build unix

package main

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// A wire passes on the connections to a server's signalling, until they are cut.
type wire struct {
	url string
	mu  sync.Mutex
	all []net.Conn
}

func (l *lab) wire(server string) *wire {
	l.t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		l.t.Fatal(err)
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	w := &wire{url: "ws://" + at.Addr().String()}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			in, err := at.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", u.Host)
			if err != nil {
				in.Close()
				continue
			}
			w.mu.Lock()
			w.all = append(w.all, in, out)
			w.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				work.Go(func() {
					io.Copy(pair[0], pair[1])
					pair[0].Close()
				})
			}
		}
	})
	l.t.Cleanup(func() {
		at.Close()
		w.cut()
		work.Wait()
	})
	return w
}

// cut breaks what is connected; others may connect.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.all {
		c.Close()
	}
	w.all = nil
}

// TestConsentAfterAnAbsence: a recorder that was away asks again. A client says again
// what its person said last, and who wrote yes is asked anew.
func TestConsentAfterAnAbsence(t *testing.T) {
	l := newLab(t)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	l.must(home, "keys", "add", "--yes", writeCard(t, adaCard))
	store := filepath.Join(l.dir, "store")
	writer := l.publisher(l.room("weekly"), "writer", "Writes")
	ada := l.prover(adaHome, members.Config{Room: l.room("weekly"), Identity: "ada", Name: "Ada", Audio: fixtures.Speech(0)})
	w := l.wire(l.lk.URL)
	rec := l.record(home, "--url", w.url, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--consent", "ask")
	bot := l.recorderSeen(ada, func(p member.Peer) bool { return p.State.Phase == "recording" && p.State.Consent == "ask" })
	if err := ada.Session().Answer(l.ctx, bot.Identity, true); err != nil {
		t.Fatal(err)
	}
	writer.Say("Yes.")
	answers := func(i *show.InfoJSON, who string) (n int) {
		for _, e := range i.Timeline {
			if e.Type == media.EventConsent && e.Participant == who && e.Reason == "given" {
				n++
			}
		}
		return n
	}
	l.informed(home, store, rec.id, "the answers of both", func(i *show.InfoJSON) bool { return answers(i, "ada") == 1 && answers(i, "writer") == 1 })
	w.cut()
	if err := writer.Wait(l.ctx, func() bool {
		return slices.ContainsFunc(writer.Messages(), func(m members.Message) bool { return strings.Contains(m.Text, "The recorder was away") })
	}); err != nil {
		t.Fatalf("the writer was told %+v", writer.Messages())
	}
	l.informed(home, store, rec.id, "what ada's client says again", func(i *show.InfoJSON) bool { return answers(i, "ada") == 2 })
	if i := l.info(home, store, rec.id); answers(i, "writer") != 1 {
		t.Errorf("the writer agreed %d times", answers(i, "writer"))
	}
	writer.Say("yes")
	l.informed(home, store, rec.id, "the writer's second answer", func(i *show.InfoJSON) bool { return answers(i, "writer") == 2 })
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
}
