package worker

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
)

// A body is the work on one room: a child, and another if it crashes.
type body struct {
	w     *Worker
	place fleet.Place
	job   agent.Assignment
	from  *agent.Worker // whom the job was taken from
	log   *slog.Logger

	mu    sync.Mutex // guards what follows
	child *child     // nil before there is one
	begun bool       // a child that ended had begun a recording
	over  bool       // it is to end
	why   string     // set with over
	stop  func()     // ends the policy's command
}

// Why a job ended early, for the server.
const (
	endingWorker = "the worker is ending" // and the room, perhaps, is not: another goes on
	cancelled    = "it was cancelled before a recording began"
)

// record records the room. why says for the server why it failed, "" if it did not.
func (b *body) record(ctx context.Context) (how ending, why string) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	b.mu.Lock()
	b.stop = stop
	if b.over {
		stop()
	}
	b.mu.Unlock()
	policy, keys, err := b.place.Policy.Resolve(asking, b.w.c.Ask, fleet.Question{Policy: b.place.Policy.Name, Room: b.place.Room, SID: b.place.SID})
	if err == nil && policy != b.place.Policy {
		err = b.w.c.Check(policy)
	}
	if b.isOver() {
		return ended, b.why
	}
	if err != nil {
		b.log.Error("the room is not recorded: its policy does not say how", "err", err)
		return failed, "the policy did not say how"
	}
	// One that took over from a dead one is not to leave the room to it.
	for _, others := range []string{"yield", "replace"} {
		how, err = b.run(policy, keys, others)
		if err != nil {
			b.log.Error("the room is not recorded", "err", err)
			return failed, "no recorder could be started"
		}
		if how != crashed || b.isOver() || ctx.Err() != nil {
			break
		}
		b.log.Error("a recorder crashed", "again", others == "yield")
	}
	b.log.Info("a recorder ended", "how", string(how))
	if b.isOver() {
		return how, b.why
	}
	switch how {
	case failed:
		return how, "the recorder failed"
	case crashed:
		return how, "the recorder crashed"
	}
	return how, ""
}

// run runs one child to its end.
func (b *body) run(policy *fleet.Policy, keys []byte, others string) (ending, error) {
	settings, secrets := b.w.c.Join(b.place, b.job)
	settings = append(settings, one("url", b.w.c.URL), one("room", b.place.Room), one("identity", b.place.Identity), one("others", others))
	config, err := policy.Config(settings...)
	if err != nil {
		return failed, err
	}
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return ended, nil
	}
	c, err := start(orders{config: config, secrets: secrets, keys: keys}, b.w.c.Env, b.w.c.HungAfter, b.log)
	b.child = c
	b.mu.Unlock()
	if err != nil {
		return failed, err
	}
	how := c.wait()
	b.mu.Lock()
	b.begun = b.begun || c.begun()
	b.mu.Unlock()
	return how, nil
}

func one(name, value string) fleet.Setting { return fleet.Setting{Name: name, Values: []string{value}} }

// end has the recording end properly, and no other begin.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endFor(endingWorker)
}

// cancel does, and reports that, if no recording has begun. Who takes the place of a recorder
// that crashed throws what is left of it out, and the server counts the job as over then.
func (b *body) cancel() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.begun || b.child != nil && b.child.begun() {
		return false
	}
	b.endFor(cancelled)
	return true
}

// endFor ends the work. The caller holds b.mu.
func (b *body) endFor(why string) {
	if !b.over {
		b.over, b.why = true, why
	}
	if b.stop != nil {
		b.stop()
	}
	if b.child != nil {
		b.child.end()
	}
}

func (b *body) isOver() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// Status implements metrics.Source.
func (b *body) Status() bot.Status {
	b.mu.Lock()
	c := b.child
	b.mu.Unlock()
	if c == nil {
		return bot.Status{Status: recorder.Status{State: recorder.StateStarting}}
	}
	return c.Status()
}

func compare(a, b string) int { return strings.Compare(a, b) }
