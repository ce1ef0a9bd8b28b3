package roomkeys

import (
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys/member"
)

const (
	backWithin  = 5 * time.Second         // who is listed again by then goes on
	offerFor    = time.Minute             // an offer that nobody took by then is erased
	offerEvery  = 10 * time.Second        // another offer to the same peer
	offerAgain  = 30 * time.Minute        // a new secret of the pair
	askFirst    = 1500 * time.Millisecond // where no key was given yet
	askMissing  = 300 * time.Millisecond  // where one is missing
	askFast     = 500 * time.Millisecond  // so often at first
	askLongest  = 8 * time.Second
	fastAsks    = 5
	unheardAsks = 3 // after so many a new secret of the pair is offered
	silentAfter = 40 * time.Second
	answerEvery = 400 * time.Millisecond // a key that is asked for is sent again
)

// A consent is what this member's person said about a recorder.
type consent struct {
	allowed   bool
	recording string
	state     Hash
	why       Why // if not allowed; "" means NoConsent
}

// An offer is a KEM key that was made for one peer, to seal a secret to.
type offer struct {
	generation int
	private    secret
	public     []byte
	made       time.Time
}

// A peer is another member in one session.
type peer struct {
	seat     Seat
	verifier note.Verifier
	standing member.Standing
	since    time.Time // proved, or back
	left     time.Time // since when it is not listed; zero: it is
	gone     bool      // left, or said bye
	bye      bool
	mute     bool // does not say that it is here

	// What it is given:
	recorder         bool
	recording, phase string // as it says
	consent          consent
	theirs           theirs
	out              *pairChain
	enc              []byte // of out
	sayEnc           bool   // the next key message carries enc
	given            int    // the latest chain that it was given; 0: none
	holds            bool   // it was given the chain that is in use, too
	resend           bool   // it is to be given that again
	answered         time.Time
	told             Why // why it is given none, as it was told

	// What it gives:
	offer         *offer
	generation    int       // of the last offer
	offered       time.Time // when that was made
	in            *pairChain
	inGeneration  int
	inSince       time.Time
	speaks        bool // it says that it has a chain
	withheld      Why  // why it gives none, as it says; "": it did not say so
	withheldChain int
	doubt         *doubt // what it says of its key differs from what it gave
	asking        time.Time
	askAt         time.Time // zero: nothing is missing
	asks          int
	silent        bool // reported
	wants         int  // number of the last one sent

	// What it says:
	heard      time.Time // when it last said that it is here
	hereNumber int
	wantNumber int
	members    int
	roster     Hash
	differs    time.Time // since when its roster is none of ours; zero: it is
	apart      time.Time // since when none of its rosters is
	split      bool      // reported
	twoKeys    bool      // reported
}

// theirs is a peer's last offer.
type theirs struct {
	generation int
	hash       Hash
	public     []byte // nil once a secret was sealed to it
	at         time.Time
}

// A doubt is a commitment that does not fit a peer's chain.
type doubt struct {
	chain, index int
	commit       Hash
}

// wipe erases what was shared with the peer.
func (p *peer) wipe() {
	if p.offer != nil {
		p.offer.private.wipe()
		p.offer = nil
	}
	for _, c := range []*pairChain{p.in, p.out} {
		if c != nil {
			c.secret.wipe()
		}
	}
	p.in, p.out, p.enc, p.theirs.public = nil, nil, nil, nil
}

// ask notes that a key of the peer's is missing.
func (p *peer) ask(now time.Time) {
	if p.askAt.IsZero() {
		wait := askMissing
		if p.in == nil {
			wait = askFirst
		}
		p.asking, p.askAt, p.asks = now, now.Add(wait), 0
	}
}

// satisfied notes that nothing is missing.
func (p *peer) satisfied() { p.askAt, p.asks, p.silent = time.Time{}, 0, false }

// agrees notes that it sees whom this member sees.
func (p *peer) agrees() { p.differs, p.apart, p.split = time.Time{}, time.Time{}, false }

// present reports whether the peer is listed and proved.
func (p *peer) present() bool {
	return !p.gone && p.left.IsZero() && p.standing != member.Unknown
}

// may reports whether a peer is to have this member's key. If it is there and is not
// to have it, why says why not.
func (x *Exchange) may(p *peer) (ok bool, why Why) {
	switch {
	case !p.present() || p.mute:
		return false, ""
	case p.standing != member.Verified && x.c.Give != GiveProved:
		return false, Unverified
	}
	why = x.refused(p)
	return why == "", why
}

// refused returns why a recorder is not to have this member's key by what the person and
// the recorder say, wherever it is. "" means that it may have it, or is no recorder.
func (x *Exchange) refused(p *peer) Why {
	switch {
	case !p.recorder:
		return ""
	case !p.consent.allowed && p.consent.why != "":
		return p.consent.why
	case !p.consent.allowed || p.recording == "" || p.consent.recording != p.recording:
		return NoConsent
	case p.phase != "recording" && !x.c.GiveWhilePaused:
		return Paused
	}
	return ""
}

// follow does what is due for one peer.
func (x *Exchange) follow(p *peer, now time.Time) {
	if p.gone {
		return
	}
	if !p.left.IsZero() && now.Sub(p.left) >= backWithin {
		x.leave(p, p.left.Add(gather), now)
		return
	}
	if p.standing == member.Unknown {
		return
	}
	if !p.mute && p.theirs.generation > 0 && now.Sub(p.heard) >= 3*x.hereEvery(p.members) {
		p.mute = true
		x.trouble(p.seat.Identity, member.Silent, "is in the room's list, and does not say that it is here")
	}
	x.followOffer(p, now)
	x.followAsks(p, now)
	if !p.split && (!p.differs.IsZero() && now.Sub(p.differs) >= splitAfter || !p.apart.IsZero() && now.Sub(p.apart) >= apartFor) {
		p.split = true
		x.trouble(p.seat.Identity, Split, "sees others in the room than this member does")
	}
}

// leave drops a peer that is gone. What it knew is not used after rotateAt and the
// time until a fresh chain is used.
func (x *Exchange) leave(p *peer, rotateAt, now time.Time) {
	p.gone = true
	x.lose(p, rotateAt, now)
	p.given, p.holds, p.resend, p.told = 0, false, false, ""
	p.satisfied()
	p.agrees()
	p.mute, p.speaks = false, false
	if r := x.rings[p.seat.Identity]; r != nil {
		r.leave(now.Add(keyGrace))
	}
	x.reseated = true
}

// followOffer makes, repeats and erases what the peer can seal a secret to.
func (x *Exchange) followOffer(p *peer, now time.Time) {
	switch {
	case p.offer == nil && p.generation == 0,
		p.offer == nil && p.in != nil && now.Sub(p.inSince) >= offerAgain:
		x.offer(p, now)
	case p.offer != nil && now.Sub(p.offer.made) >= offerFor:
		p.offer.private.wipe()
		p.offer = nil
		if p.in == nil {
			p.ask(now) // with another offer
		}
	}
}

// offer makes a KEM key for a peer and sends it.
func (x *Exchange) offer(p *peer, now time.Time) {
	if p.offer != nil {
		p.offer.private.wipe()
		p.offer = nil
	}
	private, public, err := x.kem.offer()
	if err != nil {
		x.c.Log.Error("no KEM key was made", "err", err)
		return
	}
	p.generation++
	p.offered = now
	p.offer = &offer{generation: p.generation, private: private, public: public, made: now}
	private.wipe()
	x.sendOffer(p, now)
	if p.in == nil {
		p.ask(now)
	}
}

func (x *Exchange) sendOffer(p *peer, now time.Time) {
	m := x.message(typeSession, p, now)
	m.generation, m.kem = p.offer.generation, p.offer.public
	x.send(m, nil)
}

// followAsks asks for a key that is missing.
func (x *Exchange) followAsks(p *peer, now time.Time) {
	if p.askAt.IsZero() || now.Before(p.askAt) {
		return
	}
	if p.withheld != "" && p.doubt == nil || !p.speaks && p.hereNumber > 0 {
		p.satisfied() // it has none, or gives none and says so
		return
	}
	if !p.silent && now.Sub(p.asking) >= silentAfter {
		p.silent = true
		x.trouble(p.seat.Identity, member.Silent, "does not hand over its key, and does not say why")
	}
	switch {
	case p.offer != nil:
		x.sendOffer(p, now)
	case (p.in == nil || p.asks >= unheardAsks) && now.Sub(p.offered) >= offerEvery:
		x.offer(p, now)
	}
	m := x.message(typeWant, p, now)
	p.wants++
	m.number = p.wants
	if r := x.rings[p.seat.Identity]; r != nil && p.in != nil {
		m.chain = r.number()
	}
	x.send(m, nil)
	wait := askFast
	if p.asks++; p.asks > fastAsks {
		wait = min(askFast<<(p.asks-fastAsks), askLongest)
	}
	p.askAt = now.Add(wait)
}
