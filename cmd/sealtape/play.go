package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/web"
)

// stopTime bounds how long a player that was told to stop waits for the browser to
// take what it asked for.
const stopTime = time.Second

// playRetries is how often the store is asked for one thing before the page shows
// that it does not answer; the page asks again.
const playRetries = 4

// playMemory is what a player makes do with, in bytes, where it can. Beside it the
// process has some 30 MiB of its file in memory.
const playMemory = 100 << 20

func playCommand() *cli.Command {
	var o playOptions
	return &cli.Command{
		Name:      "play",
		Usage:     "watch a recording in a browser, at any second",
		ArgsUsage: "[ID]",
		Description: `Serves a page to the browsers of this machine, and opens it. The page fetches, verifies and
decrypts what you watch, in memory. Nothing is written. Only you can reach the page: its
address has a secret in it. Ctrl-C stops the command.

ID may be the beginning of an ID, "last", or a link that the page made, such as
sealtape:ID#t=754, or #t=754,790 for a range. Without an ID, the page lists the recordings in
the store.

` + access.LinkHelp + `

To watch from another machine, use a tunnel:
  ssh -L 8080:127.0.0.1:8080 HOST sealtape play ID --listen 127.0.0.1:8080 --no-browser

Exit codes, when you stop it:
  3  the recording is not closed, or lacks a second or more
  4  something that you watched failed verification and was not played, or the recording
     is not to be trusted
  5  no key of yours opens any of it`,
		UsageText: `  sealtape play last --store ./meetings
  sealtape play F2JE --at 12:34
  sealtape play -                                 # a link from standard input
  sealtape play --store s3://meetings/2026        # choose one on the page`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Destination: &o.at, Usage: "begin at this `TIME` of the recording: 12:34, 1:02:03 or 90s"},
			&cli.StringFlag{Name: "listen", Destination: &o.listen, Value: "127.0.0.1:0", Usage: "the loopback `ADDR` to serve at"},
			&cli.BoolFlag{Name: "no-browser", Destination: &o.noBrowser, Usage: "open no browser, print the address only"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, runPlay, flags.Argument{Name: "an ID", To: &o.id, Optional: true}),
	}
}

type playOptions struct {
	flags.StoreOption
	id, at, listen string
	noBrowser      bool

	moment moment // what id and at say
}

func (o *playOptions) Check() (err error) {
	if o.id == "-" {
		o.moment.id = o.id // a link, which says the moment
	} else if i, linked, err := access.ReadLink(nil, o.id); err != nil {
		return err
	} else if linked {
		o.moment = moment{o.id, i.From, i.To}
	} else if o.moment, err = parseMoment(o.id); err != nil {
		return ui.Misuse("%v", err)
	}
	if o.at != "" {
		if o.moment.id == "" {
			return ui.Misuse("--at of which recording? Its ID is missing")
		}
		if o.moment.at, err = parsePosition(o.at); err != nil {
			return ui.Misuse("--at: %v", err)
		}
		if o.moment.to <= o.moment.at {
			o.moment.to = 0
		}
	}
	return checkLoopback(o.listen)
}

// again returns the command that plays a recording of the same store, without its ID,
// for a shell.
func (o *playOptions) again() string {
	if o.Store == "" {
		return "sealtape play"
	}
	return "sealtape play --store '" + strings.ReplaceAll(o.Store, "'", `'\''`) + "'"
}

func runPlay(ctx context.Context, e *ui.Env, o *playOptions) error {
	moment := o.moment
	told := &throttle{every: 10 * time.Second}
	a, err := access.OpenFor(ctx, e, o.id, o.Store, archive.RetryConfig{Attempts: playRetries, OnRetry: func(_ string, err error, _ time.Duration) {
		if told.pass() {
			e.Notef("sealtape: the store failed, trying again: %v", err)
		}
	}})
	if err != nil {
		return err
	}
	if i := a.Invitation(); i != nil && o.at == "" {
		moment.at, moment.to = i.From, i.To
	}
	var first *tape.Tape
	var verdict ui.Outcome
	if moment.id != "" {
		if first, err = a.OpenReadable(ctx, moment.id, nil); err != nil {
			return err
		}
		moment.id = first.ID()
		d, err := first.Describe(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Of what could not be learnt for the moment the page tells.
		if err == nil {
			verdict = ui.Outcome{ID: d.ID, Verdict: d.Verdict()}
		} else {
			verdict = ui.Outcome{ID: d.ID, Verdict: d.Trust()}
		}
		if distrust := (ui.Outcome{ID: d.ID, Verdict: d.Trust()}).Err(); distrust != nil {
			e.Warnf("%v", distrust)
		}
		show.Incomplete(e, d, verdict.Verdict)
	}
	identities, err := a.Keys(ctx)
	if errors.Is(err, keys.ErrNoIdentity) {
		return ui.ExitWith(ui.ExitNoKey, fmt.Errorf("nothing to open recordings with: %w", err))
	} else if err != nil {
		return err
	}
	lib := &library{Library: tape.NewLibrary(a.Store, a.Options(identities))}
	if first != nil {
		lib.Keep(first)
	}
	// The browser, and age plugins, are started with our environment.
	if err := dropSecrets(); err != nil {
		return err
	}
	// What is thrown away after each segment is collected before it doubles what is
	// needed. GOMEMLIMIT says otherwise.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(playMemory)
	}
	failed, err := play(ctx, e, lib, moment, o)
	if err != nil {
		return err
	}
	if verdict.Lacks(tape.LackEnd) {
		verdict = sinceThen(ctx, first, verdict)
	}
	end := tellFailed(e, failed)
	if moment.id == "" {
		end = cmp.Or(end, lib.distrusted())
	}
	if o := verdict.Outcome; o != "" && (end == nil || o == tape.Damaged) {
		return verdict.Err()
	}
	return end
}

// sinceThen returns the outcome of a recording that went on while it was played, as it
// was before if the store does not say within a moment: whoever watched has ended it.
func sinceThen(ctx context.Context, t *tape.Tape, before ui.Outcome) ui.Outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	t, err := t.Follow(ctx)
	if err != nil {
		return before
	}
	d, err := t.Describe(ctx)
	if err != nil {
		return before
	}
	return ui.Outcome{ID: d.ID, Verdict: d.Verdict()}
}

// play serves the page until ctx ends, and returns what failed verification.
func play(ctx context.Context, e *ui.Env, lib *library, m moment, o *playOptions) (failed map[string][]playback.Segment, err error) {
	log := e.NewLog(e.Stderr, slog.LevelWarn)
	p, err := player.New(player.Config{Library: lib.page(), Command: o.again(), Formats: web.Formats(), Log: log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	server, err := web.New(web.Config{Player: p, Recording: m.id, Log: log})
	if err != nil {
		return nil, err
	}
	l, err := listenLoopback(ctx, o.listen)
	if err != nil {
		return nil, err
	}
	if m.id != "" {
		p.Prepare(m.id, m.at) // while the browser starts
	}
	address := l.Addr().String()
	e.Printf("%s\n", server.URL(address)+m.fragment())
	if m.id != "" {
		e.Notef("Playing recording %s; Ctrl-C stops.", m.id)
	} else {
		e.Notef("Playing your recordings; Ctrl-C stops.")
		// While the browser starts. What goes wrong, the page shows.
		var ahead sync.WaitGroup
		actx, cancel := context.WithCancel(ctx)
		defer ahead.Wait()
		defer cancel()
		ahead.Go(func() { _, _ = lib.Recordings(actx) })
	}
	if !o.noBrowser {
		browse(e, server.OpenURL(address)+m.fragment())
	}
	err = serve(ctx, l, server)
	return p.Failed(), err
}

// checkLoopback refuses an address that other machines could reach: what is
// served is in the clear.
func checkLoopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ui.Misuse("--listen is %q, want HOST:PORT, such as 127.0.0.1:8080", address)
	}
	if slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, host) {
		return nil
	}
	if port == "" || port == "0" {
		port = "8080"
	}
	return ui.Hinted(ui.Misuse("--listen %s is not 127.0.0.1, ::1 or localhost: other machines could see the recording", address),
		fmt.Sprintf("listen on 127.0.0.1:%[1]s, and where you want to watch: ssh -L %[1]s:127.0.0.1:%[1]s THIS-MACHINE", port))
}

func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, ui.Hinted(err, "without --listen, a free port is taken")
	}
	// What localhost is, the machine says.
	if t, ok := l.Addr().(*net.TCPAddr); !ok || !t.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%s is not on the loopback of this machine", address), l.Close())
	}
	return l, nil
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // so that long answers end
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if s.Shutdown(stop) != nil {
		// A browser keeps connections open that it never asked for anything on.
		_ = s.Close()
	}
	<-done
	return nil
}

// tellFailed lists what failed verification while it was played, and returns the
// error for it.
func tellFailed(e *ui.Env, failed map[string][]playback.Segment) error {
	n := 0
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		for _, segment := range failed[id] {
			e.Notef("failed verification: %s%s (segment %d)", id, show.Span(segment.From, segment.To), segment.Number)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("%s failed verification, and not played", ui.Count(n, "segment")),
		"see what is wrong", "sealtape verify ID"))
}

// A throttle lets something pass once in a while.
type throttle struct {
	every time.Duration
	mu    sync.Mutex
	last  time.Time
}

func (t *throttle) pass() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); t.last.IsZero() || now.Sub(t.last) >= t.every {
		t.last = now
		return true
	}
	return false
}
