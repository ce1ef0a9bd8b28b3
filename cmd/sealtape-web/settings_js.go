package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
)

// settings are what the page tells the program at its beginning.
type settings struct {
	// Recorders are whose recordings are played. Granters are whose grants count,
	// besides. Revoked are whose grants are shown, and do not count.
	Recorders, Granters, Revoked []signer
	// Self are the verifier keys on the reader's own cards.
	Self []string
	// Share is the random part of the name of the share to look at first. A link names
	// it, so it counts: see Invited in archive.Options.
	Share string
	// Told is a head that the reader was told of, as text: see archive.Options.
	Told string
	// Others are the share and the head, as text, of other recordings that the reader was
	// told of, by ID. Share and Told are those of Recording then.
	Others map[string]struct{ Share, Told string }
	// Unlisted: the store lists nothing to who has this link.
	Unlisted bool
	// Recording and At are what is played first: an ID, and seconds of its clock.
	Recording string
	At        float64
	// Command is shown to readers: see player.Config.
	Command string
}

// A signer is a verifier key, and the reader's name for who has it.
type signer struct {
	Key, Who string
	Revoked  bool
	// Of are the names of the keys whose approval of this key does not count, since it was
	// revoked; nil means all.
	Of []string
	// Expires is when its card ends, in seconds of Unix time; 0 means never.
	Expires int64
	// Linked: only a link to the meeting names the key.
	Linked bool
}

// approves reports whether the key still approved others at a time.
func (s signer) approves(at time.Time) bool {
	return s.Expires == 0 || at.Before(time.Unix(s.Expires, 0))
}

// toldOf is whose holder all keys are that only a link claims to be recorders': it names them
// for one meeting. No name of a card is this. Keys that somebody else claims are holders each by
// themselves, who are called this and the name of the key.
const toldOf = "\x00"

// verifiers returns the verifiers of keys. A reader trusts few.
func verifiers(lists ...[]signer) (note.Verifiers, error) {
	var all []note.Verifier
	for _, list := range lists {
		for _, s := range list {
			v, err := note.NewVerifier(s.Key)
			if err != nil {
				return nil, fmt.Errorf("verifier key of %.40q: %w", s.Who, err)
			}
			all = append(all, v)
		}
	}
	return note.VerifierList(all...), nil
}

// options returns what recordings are opened with.
func (s *settings) options(h host) (o tape.Options, err error) {
	if o.Verifiers, err = verifiers(s.Recorders); err != nil {
		return o, err
	}
	if o.Granters, err = verifiers(s.Recorders, s.Granters); err != nil {
		return o, err
	}
	if o.Revoked, err = verifiers(s.Revoked); err != nil {
		return o, err
	}
	o.Opener, o.Heads, o.Self, o.Share, o.Unlisted = keyring{h}, heads{h}, s.Self, s.Share, s.Unlisted
	o.Invited = s.Share != ""
	if s.Told != "" {
		told, err := archive.ParseHead(s.Told)
		if err != nil {
			return o, err
		}
		o.Told = &told
	}
	others := make(map[string]*archive.Head)
	for id, other := range s.Others {
		told, err := archive.ParseHead(other.Told)
		if err != nil {
			return o, err
		}
		others[id] = &told
	}
	if s.Recording != "" {
		o.Each = func(id string, o *tape.Options) {
			if id != s.Recording {
				o.Share, o.Told = s.Others[id].Share, others[id]
				o.Invited = o.Share != ""
			}
		}
	}
	known, keys := make(map[string]tape.Signer), make(map[string]signer)
	for _, list := range [][]signer{s.Recorders, s.Granters, s.Revoked} {
		for _, one := range list {
			v, err := note.NewVerifier(one.Key)
			if err != nil {
				return o, err
			}
			keys[v.Name()] = one
			known[v.Name()] = tape.Signer{Key: v.Name(), Who: one.Who, Holder: one.Who, Revoked: one.Revoked}
		}
	}
	o.Signer = func(key string) tape.Signer {
		if s, ok := known[key]; ok && s.Who != "" {
			return s
		}
		s, ok := known[key]
		switch {
		case !ok || s.Revoked:
		case keys[key].Linked:
			s.Holder = toldOf
		default:
			s.Holder = toldOf + key
		}
		return tape.Signer{Key: key, Who: key, Holder: s.Holder, Revoked: s.Revoked}
	}
	o.Approved = func(a archive.Approval, by tape.Signer) tape.Signer {
		own, approver := keys[by.Key], keys[a.By]
		revoked := own.Revoked && (own.Of == nil || slices.Contains(own.Of, a.By))
		by.Revoked = approver.Revoked || revoked || !approver.approves(a.Time)
		return by
	}
	return o, nil
}

// begin returns what answers the page, and prepares what it asks for first.
func begin(h host, text string) (*asked, error) {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, err
	}
	o, err := s.options(h)
	if err != nil {
		return nil, err
	}
	from := archive.Retry(newStore(h), archive.RetryConfig{Attempts: storeTries})
	p, err := player.New(player.Config{Library: player.Tapes(tape.NewLibrary(from, o)), Command: s.Command, CacheBytes: cacheBytes, Eager: true})
	if err != nil {
		return nil, err
	}
	if s.Recording != "" {
		p.Prepare(s.Recording, time.Duration(s.At*float64(time.Second)))
	}
	return newAsked(h, p), nil
}

// storeTries is how often the page's store is asked for one thing. It tries again by
// itself, and so does the page.
const storeTries = 1
