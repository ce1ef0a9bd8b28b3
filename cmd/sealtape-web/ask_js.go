package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback/player"
)

const (
	// mostAsked is how many questions are answered at once. A page has a few at a time.
	mostAsked = 32
	// exportPiece is how many bytes of a file the page writes at a time.
	exportPiece = 1 << 20
)

// A detail is what a question is about.
type detail struct {
	ID      string
	Version string // these three: see player.Known
	From    int
	Events  int
	Told    []string // the recordings of its meeting: see player.Player.Meeting
	Number  int      // of a segment
	Tracks  []string // its tracks by UID; null means all
	Format  string   // these four: see player.Excerpt
	Begin   float64
	End     float64
	People  []string
}

// asked are the questions of the page that are being answered.
type asked struct {
	host   host
	player *player.Player

	mu    sync.Mutex
	stops map[int]context.CancelFunc
}

func newAsked(h host, p *player.Player) *asked {
	return &asked{host: h, player: p, stops: make(map[int]context.CancelFunc)}
}

// ask answers question n, in time.
func (a *asked) ask(n int, what, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.stops) >= mostAsked {
		a.host.v.Call("fail", n, string(player.Later), "")
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.stops[n] = cancel
	go func() {
		defer a.stop(n)
		if err := a.answer(ctx, n, what, text); err != nil {
			a.host.v.Call("fail", n, string(player.KindOf(err)), why(err))
		}
	}()
}

// stop ends question n: nobody waits for the answer.
func (a *asked) stop(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cancel := a.stops[n]; cancel != nil {
		cancel()
		delete(a.stops, n)
	}
}

func (a *asked) answer(ctx context.Context, n int, what, text string) error {
	var d detail
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return fmt.Errorf("%w: %w", player.ErrRequest, err)
	}
	var b []byte
	var err error
	switch what {
	case "recordings":
		b, err = a.player.Recordings(ctx)
	case "meeting":
		b, err = a.player.Meeting(ctx, d.ID, d.Told, true)
	case "recording":
		b, err = a.player.Describe(ctx, d.ID, player.Known{Version: d.Version, From: d.From, Events: d.Events})
	case "later":
		b, err = a.player.DescribeLater(ctx, d.ID, player.Known{Version: d.Version, From: d.From, Events: d.Events})
	case "segment":
		err = a.segment(ctx, n, d)
	case "export":
		err = a.export(ctx, n, d)
	default:
		err = fmt.Errorf("%w: %q", player.ErrRequest, what)
	}
	if err == nil {
		a.host.v.Call("answer", n, toJS(b))
	}
	return err
}

func (a *asked) segment(ctx context.Context, n int, d detail) error {
	var wanted []uint64
	if d.Tracks != nil {
		wanted = []uint64{}
	}
	for _, s := range d.Tracks {
		uid, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %w", player.ErrRequest, err)
		}
		wanted = append(wanted, uid)
	}
	return a.player.Segment(ctx, d.ID, d.Number, wanted, pieces(func(b []byte) error {
		a.host.v.Call("part", n, toJS(b))
		return nil
	}))
}

func (a *asked) export(ctx context.Context, n int, d detail) error {
	out := bufio.NewWriterSize(pieces(func(b []byte) error {
		_, err := a.host.request(ctx, "write", map[string]any{"n": n}, toJS(b))
		return err
	}), exportPiece)
	e := player.Excerpt{Format: d.Format, From: duration(d.Begin), To: duration(d.End), Participants: d.People}
	err := a.player.Export(ctx, d.ID, e, func(f player.File) io.Writer {
		a.host.v.Call("file", n, map[string]any{"name": f.Name, "mime": f.MIME, "size": f.Size})
		return out
	})
	return errors.Join(err, flushed(out, err))
}

// flushed writes the rest of a file, unless it broke off.
func flushed(w *bufio.Writer, err error) error {
	if err != nil {
		return nil
	}
	return w.Flush()
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// pieces is a writer that passes each piece on.
type pieces func(b []byte) error

func (f pieces) Write(b []byte) (int, error) {
	if err := f(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// why tells more of an error, where the page has words for that: what lets the reader
// read has ended, the store keeps its answers from the page, or the page itself failed.
func why(err error) string {
	var e *hostError
	switch {
	case errors.Is(err, archive.ErrExpired):
		return "expired"
	case errors.As(err, &e):
		return cmp.Or(e.why, e.kind)
	}
	return ""
}
