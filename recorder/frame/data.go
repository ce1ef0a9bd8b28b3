package frame

// OpenData opens a data packet (livekit-client, DataCryptor.ts): AES-GCM without
// additional data, under the key at an index that came with the packet. It tries
// replaced keys and the ratchet as a Decrypter does. Errors are ErrShort,
// ErrNoKey and ErrAuth. It does not recognize a packet that is sent again.
func (k *Keyring) OpenData(index uint32, iv, sealed []byte) ([]byte, error) {
	if len(iv) != ivSize || len(sealed) < tagSize {
		return nil, ErrShort
	}
	if index >= maxRingSize {
		return nil, ErrNoKey
	}
	i := int(index)
	s := k.load(i)
	if s == nil {
		return nil, ErrNoKey
	}
	f := sealedFrame{iv: iv, data: sealed}
	if s.current != nil {
		if out, err := f.open(s.current, nil); err == nil {
			return out, nil
		}
	}
	if out, used := k.openPrevious(i, s, f, nil); used != nil {
		return out, nil
	}
	k.mu.Lock()
	affordable := s.current != nil && k.o.RatchetWindow > 0 && k.data.spend(k.o.Now())
	k.mu.Unlock()
	if affordable {
		var once budget // the ring's was spent
		if out, used := k.openAhead(i, s, &once, f, nil); used != nil {
			return out, nil
		}
	}
	if s.current == nil {
		return nil, ErrNoKey
	}
	return nil, ErrAuth
}
