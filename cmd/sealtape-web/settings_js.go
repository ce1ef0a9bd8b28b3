package main

import (
	"encoding/json"
	"fmt"
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
}

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
	known := make(map[string]tape.Signer)
	for _, list := range [][]signer{s.Recorders, s.Granters, s.Revoked} {
		for _, one := range list {
			v, err := note.NewVerifier(one.Key)
			if err != nil {
				return o, err
			}
			known[v.Name()] = tape.Signer{Key: v.Name(), Who: one.Who, Holder: one.Who, Revoked: one.Revoked}
		}
	}
	o.Signer = func(key string) tape.Signer {
		if s, ok := known[key]; ok && s.Who != "" {
			return s
		}
		return tape.Signer{Key: key, Who: key, Revoked: known[key].Revoked}
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
