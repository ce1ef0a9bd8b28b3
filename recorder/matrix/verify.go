package matrix

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sas"
)

// ErrNoKeys says that a user has no cross-signing keys, and so nothing that could
// be verified.
var ErrNoKeys = errors.New("the user has no cross-signing keys")

// A VerifyStep is how far a verification is, for the operator.
type VerifyStep int

const (
	VerifyAsked     VerifyStep = iota // we asked, and they see it
	VerifyWaits                       // we wait for them to ask
	VerifyAnswered                    // one of their devices agreed, or we did
	VerifyConfirmed                   // the operator said yes; they did not yet
)

// A Verifying says whom to verify, and how.
type Verifying struct {
	User string // @name:server
	Room string // the ID of one to ask in; "" asks each of their devices
	Wait bool   // ask nothing, as they will

	// Compare shows the operator what is to be compared, and returns whether the other
	// side sees the same. It must return once its context ends, which it does when the
	// other side gives up.
	Compare func(ctx context.Context, s sas.Shown) (same bool, err error)
	// Tell, if not nil, is told what happens. Neither it nor Compare is called by two
	// goroutines at once.
	Tell func(VerifyStep)
}

// How long Verify waits for the other side's last word, which changes nothing, and
// how many rooms it enters because they invite it: their client may make one to
// ask in.
const (
	lastWord   = 15 * time.Second
	maxEntered = 3
	yieldAfter = 3 * time.Second // that they have to answer us where both ask
)

// Verify compares emoji with another user ("Short Authentication String (SAS)
// verification" of the Matrix specification, client-server API), ten minutes at most.
// Either side may ask: what they ask meanwhile is answered, in each room that this
// device is in, and in one that they invite it to. If both ask, one of the two requests is
// answered. Nothing else may use Sync at the same time. What else comes by it from device to
// device, such as the keys of a call, is kept for the next Sync; what rooms say is not.
//
// If the operator and the other side say that they see the same, and the other
// side's device proves that it holds its user's master key for right, then our
// user-signing key signs that key, and the state keeps it: the user's devices are
// Verified from then on. The error is a *sas.Cancelled if one side ended it; if it is
// another, and the Comparison has a User, then all but publishing the signature was
// done.
func (a *Account) Verify(ctx context.Context, o Verifying) (Comparison, error) {
	w, err := a.newVerifier(ctx, o)
	if err != nil {
		return Comparison{}, err
	}
	inner, cancel := context.WithCancel(ctx)
	batches, ended := make(chan *Batch), make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = a.follow(inner, others, func(ctx context.Context, b *Batch) error {
			select {
			case batches <- b:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() {
		cancel()
		<-ended
		w.stop()
	}()
	if err := w.begin(inner); err != nil {
		return Comparison{}, err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case b := <-batches:
			err = w.take(inner, b)
		case now := <-tick.C:
			err = w.tick(inner, now)
		case r := <-w.compared:
			err = w.operator(inner, r)
		case <-ended:
			err = failed
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			err = w.look(inner)
		}
		if err != nil || w.finished() {
			return w.result, w.leave(ctx, err)
		}
	}
}

// others reports whether a message is of no verification, and worth keeping: what was not encrypted
// is told of where it came, and nothing is done with it.
func others(m Message) bool {
	_, ok := sas.FromDevice(m.Sender, m.Type, m.Content)
	return !ok && m.Encrypted
}

// A verifier does one verification, in one goroutine.
type verifier struct {
	a       *Account
	o       Verifying
	own     sas.Party
	other   sas.Party // without a device
	room    id.RoomID
	v       *sas.Verification
	asked   []id.DeviceID // devices that were asked
	entered int
	start   time.Time     // when it began to wait
	theirs  *sas.Incoming // they ask, too, and may answer us instead until yield
	yield   time.Time
	done    time.Time // when all was done but their last word

	others   refuser
	compared chan comparedBy // from the goroutine that asks the operator, nil before
	asking   sync.WaitGroup
	stopAsk  context.CancelFunc
	result   Comparison
}

// comparedBy is what the operator said.
type comparedBy struct {
	same bool
	err  error
}

func (a *Account) newVerifier(ctx context.Context, o Verifying) (*verifier, error) {
	user := id.UserID(o.User)
	if _, _, err := user.Parse(); err != nil || len(o.User) > maxName {
		return nil, fmt.Errorf("%q is no Matrix user, as @name:server", o.User)
	}
	if user == a.state.User {
		return nil, errors.New("the account's own devices are verified by its recovery key, not by emoji")
	}
	w := &verifier{a: a, o: o, room: id.RoomID(o.Room), start: time.Now(), others: refuser{a: a}}
	var err error
	w.own = sas.Party{User: a.state.User, Device: a.state.Device}
	if w.own.Signing, w.own.Master, err = a.Keys(); err != nil {
		return nil, err
	}
	if err := a.again(ctx, user); err != nil {
		return nil, err
	}
	w.other = sas.Party{User: user}
	if w.other.Master, _ = a.Master(user); w.other.Master == "" || w.own.Master == "" {
		return nil, ErrNoKeys
	}
	return w, nil
}

// again asks for a user's devices, also if nobody said that they changed.
func (a *Account) again(ctx context.Context, user id.UserID) error {
	a.mu.Lock()
	a.track(user)
	if p := a.state.Peers[user]; p != nil {
		p.Stale = true
	}
	a.mu.Unlock()
	return a.refresh(ctx)
}

func (w *verifier) tell(s VerifyStep) {
	if w.o.Tell != nil {
		w.o.Tell(s)
	}
}

// begin asks them, or looks whether they did.
func (w *verifier) begin(ctx context.Context) error {
	if w.o.Wait {
		w.tell(VerifyWaits)
		return w.invitations(ctx)
	}
	transaction := fmt.Sprintf("%x", random(16))
	if w.room != "" {
		if _, err := w.a.client.JoinRoomByID(ctx, w.room); err != nil {
			return fmt.Errorf("could not enter the room: %w", err)
		}
		resp, err := w.a.client.SendMessageEvent(ctx, w.room, event.EventMessage, sas.RequestInRoom(w.own, w.other.User))
		if err != nil {
			return fmt.Errorf("could not ask in the room: %w", err)
		}
		transaction = string(resp.EventID)
	} else {
		w.a.mu.Lock()
		for name := range w.a.state.Peers[w.other.User].Devices {
			w.asked = append(w.asked, name)
		}
		w.a.mu.Unlock()
		if len(w.asked) == 0 {
			return fmt.Errorf("%s has no device that could answer", w.other.User)
		}
	}
	var err error
	if w.v, err = sas.New(w.own, w.other, w.room, transaction, true, time.Now()); err != nil {
		return err
	}
	if w.room == "" {
		if err := w.send(ctx, w.asked, sas.Request(w.own, transaction, time.Now())); err != nil {
			return err
		}
	}
	w.tell(VerifyAsked)
	return nil
}

// send sends what the verification says, to the device that it is with or, from
// device to device, to those that are named.
func (w *verifier) send(ctx context.Context, devices []id.DeviceID, list ...sas.Event) error {
	for _, s := range list {
		if devices == nil {
			devices = []id.DeviceID{w.v.Device()}
			if w.v.Device() == "" {
				devices = w.asked
			}
		}
		if err := w.a.sendVerification(ctx, w.v.Room(), w.other.User, devices, s); err != nil {
			return fmt.Errorf("could not send to %s: %w", w.other.User, loggedOut(err))
		}
	}
	return nil
}

// take takes in what came.
func (w *verifier) take(ctx context.Context, b *Batch) error {
	for _, room := range b.Rooms {
		if err := w.enter(ctx, room.ID, room.Invited, room.State); err != nil {
			return err
		}
	}
	for _, e := range verifications(b) {
		if err := w.event(ctx, e); err != nil {
			return err
		}
	}
	w.others.take(ctx, b, w.other.User)
	return nil
}

func (w *verifier) event(ctx context.Context, e *sas.Incoming) error {
	now := time.Now()
	if e.Asks(w.own) {
		return w.request(ctx, e, now)
	}
	if w.theirs != nil && e.Cancels(w.theirs) {
		w.theirs = nil
	}
	v := w.v
	if v == nil || !v.Has(e) {
		return nil
	}
	if e.Sender == w.own.User {
		if e.Answers() && e.From != w.own.Device {
			v.Elsewhere()
		}
		return nil
	}
	if e.Sender != w.other.User {
		return nil
	}
	if e.Agrees() && v.Unanswered() {
		w.theirs = nil
		if !w.with(ctx, e.From) {
			return w.send(ctx, nil, v.Cancel(sas.CancelKeys)...)
		}
		var others []id.DeviceID
		for _, d := range w.asked {
			if d != e.From {
				others = append(others, d)
			}
		}
		if len(others) > 0 {
			if err := w.send(ctx, others, v.Taken()); err != nil {
				return err
			}
		}
		w.tell(VerifyAnswered)
	}
	var out []sas.Event
	if fault := contain(func() { out = v.Take(e, now) }); fault != nil {
		w.a.log.Warn("a verification could not be read", "err", fault)
		out = v.Cancel(sas.CancelInvalid)
	}
	return w.send(ctx, nil, out...)
}

// request answers what they ask, if they did not answer yet what we asked. As they may do the
// same, and then both requests would be over, the lesser user gives the other some time to answer.
func (w *verifier) request(ctx context.Context, e *sas.Incoming, now time.Time) error {
	busy := w.v != nil && !w.v.Unanswered()
	if e.Sender != w.other.User || !e.Fresh(now) || busy {
		return nil
	}
	if w.theirs != nil {
		return nil // repeated, or another: what they asked first is answered, if they do not answer
	}
	if w.v != nil && w.own.User < w.other.User {
		w.theirs, w.yield = e, now.Add(yieldAfter)
		return nil
	}
	return w.answer(ctx, e, now)
}

// answer agrees to what they ask, in place of what we asked.
func (w *verifier) answer(ctx context.Context, e *sas.Incoming, now time.Time) error {
	w.theirs = nil
	if w.v != nil {
		out := w.v.Cancel(sas.CancelAccepted)
		if err := w.send(ctx, nil, out...); err != nil {
			return err
		}
	}
	v, err := e.Accept(w.own, w.other, now)
	if err != nil {
		return err
	}
	w.v, w.asked = v, []id.DeviceID{e.From}
	if !w.with(ctx, e.From) {
		return w.send(ctx, nil, v.Cancel(sas.CancelKeys)...)
	}
	if !e.Emoji {
		return w.send(ctx, nil, v.Cancel(sas.CancelMethod)...)
	}
	w.tell(VerifyAnswered)
	return w.send(ctx, nil, v.Agree(now)...)
}

// with says which of their devices the verification is with, if it is known.
func (w *verifier) with(ctx context.Context, name id.DeviceID) bool {
	for range 2 {
		w.a.mu.Lock()
		d := w.a.state.device(Target{w.other.User, name})
		if d != nil {
			w.v.With(d.ID, d.Signing)
		}
		w.a.mu.Unlock()
		if d != nil {
			return true
		}
		if err := w.a.again(ctx, w.other.User); err != nil { // it may be new
			return false
		}
	}
	return false
}

// tick looks at the clock.
func (w *verifier) tick(ctx context.Context, now time.Time) error {
	if w.v == nil {
		if now.Sub(w.start) > sas.Lasts {
			return sas.Expired()
		}
		return nil
	}
	if e := w.theirs; e != nil && !now.Before(w.yield) {
		return w.answer(ctx, e, now)
	}
	return w.send(ctx, nil, w.v.Tick(now)...)
}

// look does what is due after something happened.
func (w *verifier) look(ctx context.Context) error {
	if w.v == nil {
		return nil
	}
	switch {
	case w.v.Comparing():
		if w.compared == nil {
			w.ask(ctx)
		}
	case w.v.Proved():
		return w.prove(ctx)
	}
	return w.v.Err()
}

// ask has the operator compare, in a goroutine that stop waits for.
func (w *verifier) ask(ctx context.Context) {
	ctx, w.stopAsk = context.WithCancel(ctx)
	w.compared = make(chan comparedBy, 1)
	shown := w.v.Shown()
	w.asking.Go(func() {
		same, err := w.o.Compare(ctx, shown)
		w.compared <- comparedBy{same, err}
	})
}

// stop ends the question to the operator, if there is one.
func (w *verifier) stop() {
	if w.stopAsk != nil {
		w.stopAsk()
	}
	w.asking.Wait()
}

// operator takes what the operator said.
func (w *verifier) operator(ctx context.Context, r comparedBy) error {
	if r.err != nil {
		return r.err
	}
	if err := w.send(ctx, nil, w.v.Compared(r.same)...); err != nil {
		return err
	}
	if w.v.Confirmed() {
		w.tell(VerifyConfirmed)
	}
	return nil
}

// prove signs the master key that was proved, and says so.
func (w *verifier) prove(ctx context.Context) error {
	now := time.Now()
	if err := w.a.pin(w.other.User, w.other.Master, now); err != nil {
		return err
	}
	w.result, w.done = Comparison{User: string(w.other.User), Master: string(w.other.Master), At: now}, now
	err := w.a.signUser(ctx, w.other.User, w.other.Master)
	if err != nil {
		err = fmt.Errorf("%s was verified here, and the account's other devices do not know it: %w", w.other.User, err)
	}
	return errors.Join(err, w.send(ctx, nil, w.v.Finish()...))
}

// finished reports whether nothing more is to come.
func (w *verifier) finished() bool {
	if w.v == nil {
		return false
	}
	ours, theirs := w.v.Finished()
	return ours && (theirs || time.Since(w.done) > lastWord)
}

// leave tells the other side that it is over, if it does not know, and returns the
// error that it ended with.
func (w *verifier) leave(ctx context.Context, err error) error {
	if w.v == nil || err == nil {
		return err
	}
	if out := w.v.Cancel(sas.CancelUser); len(out) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if unsent := w.send(ctx, nil, out...); unsent != nil {
			w.a.log.Warn("the other side was not told that it is over", "err", unsent)
		}
	}
	return err
}
