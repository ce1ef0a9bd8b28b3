// Package demo shows the whole way of Sealtape: a meeting on a real LiveKit server, its
// recording, what is stored of it, and what it takes to open it.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/program"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/build"
)

// A Config says what to show.
type Config struct {
	S3        bool          // store in MinIO, not in a folder
	Duration  time.Duration // of the recording
	NoBrowser bool          // do not play it at the end

	// Stdout and Stderr are those of the commands that are shown, too.
	Stdout, Stderr io.Writer
	// Terminal says that Stderr is one: commands then show by themselves that they go on.
	Terminal bool
	// Open opens a STORE.
	Open func(ctx context.Context, store string) (archive.Store, error)
}

// A demo is one run of the demo command. The commands it shows are run as
// processes of their own, in the environment that a person would set.
type demo struct {
	Config

	mu      sync.Mutex
	told    error // the first of writing to Stdout, guarded by mu
	dir     string
	self    string            // the sealtape program
	vars    map[string]string // what every command is given
	meeting *servers.LiveKit
}

// The room and the members have names that cannot be met by chance, so that
// the search for them in the store means something.
const (
	demoRoom  = "board-meeting-of-the-demo"
	demoAlice = "Alice Demo"
	demoBob   = "Bob Demo"
)

// Run shows it. Everything is kept in a new folder that it names; the error is the
// first of what it ran, or of writing to Stdout.
func Run(ctx context.Context, c Config) (err error) {
	d := &demo{Config: c, vars: make(map[string]string)}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		err = cmp.Or(err, d.told)
	}()
	if d.self, err = os.Executable(); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "sealtape-demo-"); err != nil {
		return err
	}

	d.say("1. A LiveKit server on this machine")
	d.meeting, err = servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: d.progress})
	if err != nil {
		return fmt.Errorf("starting LiveKit: %w", err)
	}
	defer func() { err = errors.Join(err, d.meeting.Stop()) }()
	d.note("%s, livekit-server %s", d.meeting.URL, build.LiveKit.Version)

	store, stop, err := d.startStore(ctx, c.S3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	d.say("2. Two members and a recorder, each with keys of their own")
	if err := d.makeKeys(); err != nil {
		return err
	}
	alice, err := d.join(ctx, "alice", demoAlice, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alice.Leave()) }()
	bob, err := d.join(ctx, "bob", demoBob, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bob.Leave()) }()
	d.note("they speak and show a clock, end-to-end encrypted under keys that they make and hand to one another:")
	d.note("there is no passphrase, and the server has no key, so it cannot listen")
	d.note("they prove to one another, and to the recorder, who they are: the server cannot pretend to be one of them")

	d.say("3. Record them, visibly, for %v", c.Duration)
	d.note("The recorder joins without a key. Alice and Bob agree, and their clients hand it theirs.")
	d.note("In between, Bob does not agree for %v: his client takes his key back.", bobRefuses)
	codes := d.watchCodes(alice, bob)
	answers := d.answer(ctx, alice, bob)
	patience := d.count()
	err = d.run(ctx, "recorder", "record", "--room", demoRoom, "--room-keys", "members", "--store", store,
		"--reader", demoAlice, "--duration", c.Duration.String())
	patience()
	answers()
	seen := codes()
	if err != nil {
		return err
	}
	for _, m := range alice.Messages() {
		d.note("Alice was told: %q", words.Clean(m.Text))
	}
	d.note("Alice verified the recorder and saw the meeting code %s", seen[0])
	d.note("Bob saw                                             %s", seen[1])
	d.note("Read aloud, it tells whether both were told of the same recorder and the same readers.")

	d.say("4. What the store holds")
	if err := d.showStore(ctx, store); err != nil {
		return err
	}

	d.say("5. Is it whole, and who recorded it? No key is needed to tell")
	if err := d.run(ctx, "alice", "verify", "last", "--store", store); err != nil {
		return err
	}

	d.say("6. Alice opens it with her key")
	if err := d.run(ctx, "alice", "info", "last", "--store", store); err != nil {
		return err
	}
	d.note("AGREED says since when the recorder had whose key, and what they signed that for. While Bob did not agree,")
	d.note("there is a hole, \"consent\": he wanted it, so nothing is missing. The recorder could not have opened it.")
	if err := d.run(ctx, "alice", "verify", "last", "--store", store, "--deep"); err != nil {
		return err
	}
	file := filepath.Join(d.dir, "meeting.mkv")
	if err := d.run(ctx, "alice", "export", "last", "--store", store, "-o", file); err != nil {
		return err
	}

	d.say("Done")
	d.note("%s plays in any player; a track for each person and source", file)
	d.note("the keys, and the store if it was a folder, are in %s; delete it when you have seen enough", d.dir)
	if c.NoBrowser || !program.Desktop() {
		if !c.S3 { // that store is gone with us
			d.note("to watch it: SEALTAPE_HOME=%s sealtape play last --store %s", d.homeOf("alice"), store)
		}
		return nil
	}
	d.say("Alice watches it, until Ctrl-C")
	return d.run(ctx, "alice", "play", "last", "--store", store)
}

// bobRefuses is how long Bob does not agree to be recorded, and bobAgrees how long he did
// before.
const (
	bobRefuses = 5 * time.Second
	bobAgrees  = 4 * time.Second
)

// answer lets both agree to the recording once it begins, and Bob take it back for a
// while, until the function that it returns is called.
func (d *demo) answer(ctx context.Context, alice, bob *members.Member) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	recorder := func(m *members.Member) (found string) {
		_ = m.Wait(ctx, func() bool { // it ends with ctx
			for _, p := range m.Session().Peers() {
				if p.Recorder && p.Standing == member.Verified && p.State.Phase == "recording" {
					found = p.Identity
				}
			}
			return found != ""
		})
		return found
	}
	say := func(m *members.Member, yes bool, wait time.Duration) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if err := m.Answer(ctx, recorder(m), yes); err != nil && ctx.Err() == nil {
			d.note("an answer did not arrive: %v", err)
		}
	}
	var answering sync.WaitGroup
	answering.Go(func() { say(alice, true, 0) })
	answering.Go(func() {
		recorder(bob)
		say(bob, true, 0)
		say(bob, false, bobAgrees)
		say(bob, true, bobRefuses)
	})
	return func() {
		cancel()
		answering.Wait()
	}
}

func (d *demo) say(format string, args ...any)  { d.print("\n"+format+"\n", args...) }
func (d *demo) note(format string, args ...any) { d.print("   "+format+"\n", args...) }

func (d *demo) print(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := fmt.Fprintf(d.Stdout, format, args...); err != nil && d.told == nil {
		d.told = fmt.Errorf("writing to standard output: %w", err)
	}
}

// count says every few seconds how long something has taken, until the function
// that it returns is called. On a terminal the command that runs does that itself.
func (d *demo) count() (stop func()) {
	if d.Terminal {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(4 * time.Second)
		defer tick.Stop()
		for begun := time.Now(); ; {
			select {
			case <-tick.C:
				d.note("… %v", time.Since(begun).Round(time.Second))
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

func (d *demo) progress(line string) { d.note("%s", line) }

// startStore returns a STORE to record to, and what to call at the end.
func (d *demo) startStore(ctx context.Context, s3 bool) (store string, stop func() error, err error) {
	if !s3 {
		return filepath.Join(d.dir, "store"), func() error { return nil }, nil
	}
	m, err := servers.StartMinIO(ctx, servers.MinIOConfig{Progress: d.progress})
	if err != nil {
		return "", nil, fmt.Errorf("starting MinIO: %w", err)
	}
	if err := m.Bucket(ctx, "meetings"); err != nil {
		return "", nil, errors.Join(err, m.Stop())
	}
	d.note("%s, MinIO, a bucket named meetings", m.Endpoint)
	d.vars["AWS_ENDPOINT_URL_S3"] = m.Endpoint
	d.vars["AWS_ACCESS_KEY_ID"] = m.AccessKey
	d.vars["AWS_SECRET_ACCESS_KEY"] = m.SecretKey
	d.vars["AWS_REGION"] = "us-east-1"
	return "s3://meetings/demo", m.Stop, nil
}

// makeKeys makes three homes, in which each has pinned the cards it needs.
func (d *demo) makeKeys() error {
	cards := make(map[string]keys.Card)
	homes := make(map[string]*keys.Home)
	for _, who := range []struct{ home, name string }{
		{"recorder", "Recorder Demo"}, {"alice", demoAlice}, {"bob", demoBob},
	} {
		h, err := keys.OpenHome(d.homeOf(who.home))
		if err != nil {
			return err
		}
		described := keys.Description{Name: who.name}
		if who.home == "recorder" {
			described.Role = keys.Recorder
		}
		id, err := h.InitAs(described, nil)
		if err != nil {
			return err
		}
		card, err := id.Card()
		if err != nil {
			return err
		}
		homes[who.home], cards[who.home] = h, card
		d.note("%-14s %s", who.name, card.Fingerprint())
	}
	for home, pins := range map[string][]string{"recorder": {"alice", "bob"}, "alice": {"recorder", "bob"}, "bob": {"recorder", "alice"}} {
		for _, p := range pins {
			if err := homes[home].Add(cards[p]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) homeOf(who string) string { return filepath.Join(d.dir, "home-"+who) }

func (d *demo) join(ctx context.Context, identity, name string, n int) (*members.Member, error) {
	home, err := keys.OpenHome(d.homeOf(identity))
	if err != nil {
		return nil, err
	}
	id, err := home.Load(nil)
	if err != nil {
		return nil, err
	}
	m, err := members.Join(ctx, members.Config{
		URL: d.meeting.URL, APIKey: d.meeting.APIKey, APISecret: d.meeting.APISecret,
		Room: demoRoom, Identity: identity, Name: name, RoomKeys: true,
		Audio: media.Speech(n), Video: media.Clock(n), Key: id, Judge: home,
	})
	if err != nil {
		return nil, fmt.Errorf("%s could not join: %w", name, err)
	}
	return m, nil
}

// watchCodes notes the last meeting code that each member saw, until the function
// that it returns is called.
func (d *demo) watchCodes(ms ...*members.Member) (stop func() []string) {
	ctx, cancel := context.WithCancel(context.Background())
	seen := make([]string, len(ms))
	var watching sync.WaitGroup
	for i, m := range ms {
		watching.Go(func() {
			_ = m.Wait(ctx, func() bool { // it ends with ctx
				for _, p := range m.Session().Peers() {
					if p.Recorder && p.Standing == member.Verified && p.State.Phase == "recording" {
						seen[i] = p.Code
					}
				}
				return false
			})
		})
	}
	return func() []string {
		cancel()
		watching.Wait()
		return seen
	}
}

// run shows a command and runs it with the keys of who.
func (d *demo) run(ctx context.Context, who string, args ...string) error {
	shown := make([]string, len(args))
	for i, a := range args {
		if shown[i] = a; strings.ContainsRune(a, ' ') {
			shown[i] = `"` + a + `"`
		}
	}
	d.note("$ sealtape %s", strings.Join(shown, " "))
	cmd := exec.CommandContext(ctx, d.self, args...)
	cmd.Args[0] = "sealtape"
	program.Detach(cmd) // Ctrl-C reaches it once: from us
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), "SEALTAPE_HOME="+d.homeOf(who))
	for k, v := range d.vars {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if who == "recorder" {
		cmd.Env = append(cmd.Env, "LIVEKIT_URL="+d.meeting.URL, "LIVEKIT_API_KEY="+d.meeting.APIKey,
			"LIVEKIT_API_SECRET="+d.meeting.APISecret)
	}
	cmd.Stdout, cmd.Stderr = d.Stdout, d.Stderr
	err := cmd.Run()
	if args[0] == "play" && errors.Is(err, context.Canceled) {
		return nil // it ended well, as it was asked to
	}
	if err != nil {
		return fmt.Errorf("sealtape %s: %w", args[0], err)
	}
	return nil
}

// showStore lists the objects of the store and looks into them for anything
// that could be read.
func (d *demo) showStore(ctx context.Context, arg string) error {
	for k, v := range d.vars {
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	store, err := d.Open(ctx, arg)
	if err != nil {
		return err
	}
	marks := []string{demoRoom, demoAlice, demoBob, "alice", "Recorder Demo", "matroska", "OpusHead", "V_VP8"}
	found := make(map[string]bool)
	var total int64
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return err
		}
		b, err := readObject(ctx, store, info.Name)
		if err != nil {
			return err
		}
		total += int64(len(b))
		for _, w := range marks {
			if strings.Contains(strings.ToLower(string(b)), strings.ToLower(w)) {
				found[w] = true
			}
		}
		d.note("%9s  %-50s %s", words.Size(info.Size), info.Name, looks(b))
	}
	d.note("searched %s for the room's name, the members' names and the marks of media files:", words.Size(total))
	if len(found) > 0 {
		return fmt.Errorf("found in the store: %v", found)
	}
	d.note("none of them is there")
	return nil
}

// looks says what an object is, by its first bytes.
func looks(b []byte) string {
	first, _, _ := strings.Cut(string(b), "\n")
	switch {
	case first == "age-encryption.org/v1":
		return "sealed with age"
	case strings.HasPrefix(first, "sealtape.v1/"):
		return "signed: how many objects, and their hash"
	case len(first) > 66 && first[64:66] == "  ":
		return "hashes, as sha256sum writes them"
	}
	return "NOT SEALED"
}

func readObject(ctx context.Context, s archive.Store, name string) (b []byte, err error) {
	r, err := s.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, archive.MaxObject))
}
