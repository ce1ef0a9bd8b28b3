package main

import (
	"net/url"
	"strings"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// tellLink says in plain words what to do with a link, and what whoever gets it needs.
func tellLink(a *access.Access, o *linkOptions, t *tape.Tape, i *link.Invitation) {
	e := a.Env
	whom := "them"
	if o.to != "" {
		whom = ui.Clean(o.to)
	}
	if o.page != "" {
		e.Notef("Send it to %s. It opens in a browser; there they open the recording with their key:\nthe one that the page keeps, a passkey, or a file and its passphrase.", whom)
	} else {
		e.Notef("Send it to %s. They watch with \"sealtape play 'LINK'\", or put it behind the address of a\nplayer's page; --page does that for you.", whom)
	}
	if o.to == "" && i.Share == "" {
		e.Notef("It opens for readers of the recording only. --to NAME shares it first.")
	}
	who := a.Signers(t.Recording().Signers())
	by := ""
	if approvers := a.Approvers(t.Recording().Signers()); len(approvers) > 0 {
		by = ", or that of " + strings.Join(approvers, ", ") + ", who approved it"
	}
	e.Notef("The recorder is claimed there until its card is pinned%s: %s.", by, strings.Join(who, ", "))
	if i.Share != "" {
		e.Notef("So are you, who shared it, until your card is pinned.")
	}
	if !t.Recording().Head().State.Final() {
		e.Notef("The recording is not closed. The link shows what it has become by then, and nothing older.")
	}
	until := ""
	if !i.Expires.IsZero() {
		until = ", until " + i.Expires.Local().Format("2006-01-02 15:04")
	}
	switch {
	case i.Credentials != nil:
		e.Notef("KEEP IT SECRET: it holds credentials. Whoever has it can fetch the sealed recording%s.\nThey open nothing of it without a reader's key.", until)
	case i.Secret():
		e.Notef("KEEP IT SECRET: whoever has it can fetch the sealed recording%s.\nThey open nothing of it without a reader's key.", until)
	default:
		e.Notef("Anybody who knows the ID can fetch the sealed recording, until you change the store's policy.\nThey open nothing of it without a reader's key.")
	}
	if sameOrigin(o.page, i.Store) {
		e.Warnf("the page and the store are one origin: whoever runs the store can give people another page, which takes their keys; put the page elsewhere")
	}
}

// sameOrigin reports whether a page and a store are the same to a browser.
func sameOrigin(page, store string) bool {
	p, perr := url.Parse(page)
	s, serr := url.Parse(store)
	return page != "" && perr == nil && serr == nil && p.Scheme == s.Scheme && strings.EqualFold(p.Host, s.Host)
}
