package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/webhook"
)

// webhookHelp says who is told what, for the help.
const webhookHelp = `--webhook URL is told when the recording starts and ends, of each hole of a second or more, and
when all stores have it: by POST, with the ID and without names. The room is a label that
only stays the same. --webhook-key-file signs it, and has one line:
  whsk_BASE64          Ed25519, as Standard Webhooks has it (v1a)
  whsec_BASE64         a shared secret, as Standard Webhooks has it (v1)
  API-KEY: SECRET      as LiveKit signs its own webhooks, for what receives those
What is not taken waits beside the keys, for three days, and is tried again by every record
and recover. --on-stored runs a program with its arguments, each a flag of its own, no shell:
it gets {"recording": ID, "state": …, "stores": […]} on standard input.`

// webhookWait is how long a command that is done waits for the receiver of webhooks.
const webhookWait = 10 * time.Second

// webhookOptions say who is told of recordings.
type webhookOptions struct {
	webhookURL, webhookKeyFile string
	webhookHTTP                bool
	onStored                   []string
}

func (o *webhookOptions) webhookFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "webhook", Destination: &o.webhookURL, Usage: "tell this `URL` how the recording goes, see above", DefaultText: "nobody"},
		&cli.StringFlag{Name: "webhook-key-file", Destination: &o.webhookKeyFile, Usage: "`FILE` with the key that signs webhooks, see above"},
		&cli.BoolFlag{Name: "webhook-http", Destination: &o.webhookHTTP, Usage: "let --webhook be plain http to another machine: whoever listens learns when you record"},
		&cli.StringSliceFlag{Name: "on-stored", Usage: "run this `PROGRAM` when all stores have a recording; repeat for each of its arguments"},
	}
}

// restOfWebhook reads from c what flags do not fill by themselves.
func (o *webhookOptions) restOfWebhook(c *cli.Context) { o.onStored = c.StringSlice("on-stored") }

func (o *webhookOptions) checkWebhook() error {
	if o.webhookURL == "" {
		if o.webhookKeyFile != "" || o.webhookHTTP {
			return ui.Misuse("--webhook-key-file and --webhook-http are for --webhook, which is missing")
		}
		return nil
	}
	if err := webhook.CheckURL(o.webhookURL, o.webhookHTTP); err != nil {
		return ui.Hinted(ui.Misuse("--webhook is %s: %w", words.Quote(o.webhookURL), err), "give it such as https://app.example.org/recordings; --webhook-http allows plain http")
	}
	if o.webhookKeyFile == "" {
		return ui.Hinted(ui.Misuse("--webhook needs --webhook-key-file: what is not signed can be from anyone"), "sealtape record --help says what is in that file")
	}
	return nil
}

// A teller tells others of recordings: by webhooks, and by a command. The zero value tells
// nobody.
type teller struct {
	webhook webhook.Config // without a URL: none
	command webhook.Command
	stores  []string // as they were named
	log     *slog.Logger

	mu      sync.Mutex
	senders map[string]*runningSender // by recording
	running sync.WaitGroup            // commands
}

// A runningSender is a Sender and its end.
type runningSender struct {
	*webhook.Sender
	done chan struct{}
}

// teller returns who tells of recordings as the options say.
func (o *webhookOptions) teller(h *keys.Home, stores []string, log *slog.Logger) (*teller, error) {
	t := &teller{command: o.onStored, stores: stores, log: cmp.Or(log, slog.New(slog.DiscardHandler)), senders: make(map[string]*runningSender)}
	if o.webhookURL == "" {
		return t, nil
	}
	b, err := readSecret(o.webhookKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := webhook.ParseKey(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.webhookKeyFile, err)
	}
	t.webhook = webhook.Config{URL: o.webhookURL, AllowHTTP: o.webhookHTTP, Key: key, Dir: webhookDir(h, o.webhookURL), Log: t.log}
	return t, nil
}

// webhookDir is where events wait for an address: policies of one home may have several, and
// nobody gets what is for another.
func webhookDir(h *keys.Home, address string) string {
	sum := sha256.Sum256([]byte(address))
	return filepath.Join(h.Dir(), "webhook", hex.EncodeToString(sum[:8]))
}

// tells reports whether anybody is told anything.
func (t *teller) tells() bool { return t.webhook.URL != "" || len(t.command) > 0 }

// tell tells of a milestone of any recording, in the background: until finish at the latest.
func (t *teller) tell(ctx context.Context, m bot.Milestone) {
	ctx = context.WithoutCancel(ctx)
	if t.webhook.URL != "" {
		if s := t.sender(ctx, m.Recording); s != nil {
			s.Tell(eventOf(m, t.webhook.Key))
		}
	}
	if m.Kind == bot.MilestoneStored && len(t.command) > 0 {
		t.running.Go(func() {
			if err := t.command.Run(ctx, webhook.StoredRecording{Recording: m.Recording, State: string(m.State), Stores: t.stores}); err != nil {
				t.log.Warn("the command for stored recordings failed", "id", m.Recording, "err", err)
			}
		})
	}
}

// sender returns the Sender of a recording, nil if there is none.
func (t *teller) sender(ctx context.Context, id string) *runningSender {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.senders[id]; ok {
		return s
	}
	sender, err := webhook.NewSender(t.webhook, id)
	if err != nil {
		t.log.Warn("nobody is told by webhook", "id", id, "err", err)
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &runningSender{sender, make(chan struct{})}
	t.senders[id] = s
	go func() {
		defer close(s.done)
		defer cancel()
		stop := context.AfterFunc(s.Closed(), func() { time.AfterFunc(webhookWait, cancel) })
		defer stop()
		if err := s.Run(ctx); err != nil {
			t.log.Warn("webhooks", "id", id, "err", err)
		}
	}()
	return s
}

// sweep delivers what earlier processes left, until ctx ends.
func (t *teller) sweep(ctx context.Context) {
	if t.webhook.URL == "" {
		return
	}
	if _, err := webhook.Sweep(ctx, t.webhook, false); err != nil && ctx.Err() == nil {
		t.log.Warn("events for the webhook of earlier recordings wait", "err", err)
	}
}

// sweepOnce tries each of these events once.
func (t *teller) sweepOnce(ctx context.Context) error {
	if t.webhook.URL == "" {
		return nil
	}
	_, err := webhook.Sweep(ctx, t.webhook, true)
	return err
}

// finish waits for the command, and a moment for the receiver of webhooks.
func (t *teller) finish() {
	t.mu.Lock()
	senders := t.senders
	t.senders = make(map[string]*runningSender)
	t.mu.Unlock()
	for _, s := range senders {
		s.Close()
	}
	t.running.Wait()
	for _, s := range senders {
		<-s.done
	}
}

// eventOf returns what a webhook says of a milestone.
func eventOf(m bot.Milestone, key *webhook.Key) webhook.Event {
	d := webhook.Data{
		Recording: m.Recording, State: "recording", Duration: m.Duration.Seconds(), Participants: m.Participants, Tracks: m.Tracks,
		Holes: m.Holes, Incomplete: m.Incomplete, Reason: m.Reason,
	}
	if m.Room != "" {
		d.Room = key.Label(m.Room)
	}
	if !m.Started.IsZero() {
		started := m.Started.UTC()
		d.Started = &started
	}
	if m.State != archive.StateOpen {
		d.State = string(m.State)
	}
	kind := webhook.Started
	switch m.Kind {
	case bot.MilestoneHole:
		kind = webhook.Hole
		d.Hole = &webhook.Span{From: m.Hole.From.Seconds(), To: m.Hole.To.Seconds(), Reason: m.Hole.Reason}
	case bot.MilestoneEnded:
		kind = webhook.Ended
	case bot.MilestoneStored:
		kind = webhook.Stored
	}
	return webhook.NewEvent(kind, d)
}
