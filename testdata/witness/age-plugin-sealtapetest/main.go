// Command age-plugin-sealtapetest is an age plugin for tests: it stands for
// the programs that keep keys in hardware. Its keys are age's own in a wrapper
// of its name, so nobody should use it for anything.
//
//	age1sealtapetest1…            the data is the text of a recipient of age
//	AGE-PLUGIN-SEALTAPETEST-1…    the data is the text of an identity of age
//
// Stanzas for X25519 get the type sealtapetest, so that only the plugin opens
// them; those for hybrid keys stay what they are. With the prefix "lone " the
// recipient claims to be post-quantum and has a stanza type of its own; with
// "ask ", recipient and identity first want an answer from a person.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

const stanzaType = "sealtapetest"

func main() {
	p, err := plugin.New("sealtapetest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) {
		r := recipient{plugin: p}
		s := string(data)
		s, r.ask = strings.CutPrefix(s, "ask ")
		s, r.lone = strings.CutPrefix(s, "lone ")
		all, err := age.ParseRecipients(strings.NewReader(s))
		if err != nil || len(all) != 1 {
			return nil, errors.Join(errors.New("want one recipient"), err)
		}
		r.inner = all[0]
		return r, nil
	})
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		i := identity{plugin: p}
		s := string(data)
		s, i.ask = strings.CutPrefix(s, "ask ")
		all, err := age.ParseIdentities(strings.NewReader(s))
		if err != nil || len(all) != 1 {
			return nil, errors.New("want one identity") // and no word of the secret
		}
		i.inner = all[0]
		return i, nil
	})
	os.Exit(p.Main())
}

// ask wants an answer from whoever sits there.
func ask(p *plugin.Plugin) error {
	_, err := p.RequestValue("Touch the key and type yes.", false)
	return err
}

type recipient struct {
	plugin    *plugin.Plugin
	inner     age.Recipient
	ask, lone bool
}

func (r recipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	s, _, err := r.WrapWithLabels(fileKey)
	return s, err
}

func (r recipient) WrapWithLabels(fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	if r.ask {
		if err := ask(r.plugin); err != nil {
			return nil, nil, err
		}
	}
	if l, ok := r.inner.(age.RecipientWithLabels); ok {
		stanzas, labels, err = l.WrapWithLabels(fileKey)
	} else {
		stanzas, err = r.inner.Wrap(fileKey)
	}
	for _, s := range stanzas {
		if s.Type == "X25519" || r.lone {
			s.Type = stanzaType
		}
	}
	return stanzas, labels, err
}

type identity struct {
	plugin *plugin.Plugin
	inner  age.Identity
	ask    bool
}

func (i identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if i.ask {
		if err := ask(i.plugin); err != nil {
			return nil, err
		}
	}
	// age shows a plugin everything, padding too.
	var mine []*age.Stanza
	for _, s := range stanzas {
		switch s.Type {
		case stanzaType:
			mine = append(mine, &age.Stanza{Type: "X25519", Args: s.Args, Body: s.Body})
		case "mlkem768x25519":
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil, age.ErrIncorrectIdentity
	}
	return i.inner.Unwrap(mine)
}
