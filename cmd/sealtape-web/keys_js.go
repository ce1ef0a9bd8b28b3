package main

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// A keyring opens with the reader's keys, which the page has and this program never
// gets.
type keyring struct{ host host }

var _ archive.Opener = keyring{}

// OpenEpoch implements archive.Opener.
func (k keyring) OpenEpoch(ctx context.Context, id string, epoch int, files [][]byte) (*age.HybridIdentity, error) {
	list := js.Global().Get("Array").New()
	for _, file := range files {
		list.Call("push", toJS(file))
	}
	v, err := k.host.request(ctx, "openEpoch", map[string]any{"id": id, "epoch": epoch}, list)
	if err != nil {
		return nil, err
	}
	if v.Type() != js.TypeString {
		return nil, fmt.Errorf("epoch %d: %w", epoch, archive.ErrNoKey)
	}
	secret, err := age.ParseHybridIdentity(v.String())
	if err != nil {
		return nil, errors.New("the page gave no epoch's secret") // not the parser's words: a part of it could be in them
	}
	return secret, nil
}

// OpenShare implements archive.Opener.
func (k keyring) OpenShare(ctx context.Context, id string, sealed []byte) ([]byte, error) {
	v, err := k.host.request(ctx, "openShare", map[string]any{"id": id}, toJS(sealed))
	if err != nil {
		return nil, err
	}
	if v.Type() != js.TypeString {
		return nil, archive.ErrNoKey
	}
	return []byte(v.String()), nil
}

// heads is the page's memory of the heads that it has seen.
type heads struct{ host host }

var _ archive.HeadMemory = heads{}

// Load implements archive.HeadMemory.
func (m heads) Load(id string) (archive.Head, bool, error) {
	v, err := m.host.request(context.Background(), "loadHead", map[string]any{"id": id}, js.Undefined())
	if err != nil || v.Type() != js.TypeString {
		return archive.Head{}, false, err
	}
	h, err := archive.ParseHead(v.String())
	if err == nil && h.ID != id {
		err = fmt.Errorf("the head is that of recording %s", h.ID)
	}
	return h, err == nil, err
}

// Replace implements archive.HeadMemory.
func (m heads) Replace(seen *archive.Head, h archive.Head) (bool, error) {
	detail := map[string]any{"id": h.ID, "seen": nil, "head": h.String()}
	if seen != nil {
		detail["seen"] = seen.String()
	}
	v, err := m.host.request(context.Background(), "replaceHead", detail, js.Undefined())
	return err == nil && v.Truthy(), err
}
