package roomkeys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"crypto/sha256"
	"errors"

	"github.com/sealtape/sealtape/keys/internal/fields"
)

const (
	// Suite names the only way in which the first key of a pair is sealed: HPKE in
	// base mode with MLKEM768-X25519 (0x647a), HKDF-SHA256 and AES-256-GCM.
	Suite = "mlkem768x25519"

	kemSize   = 1216 // of a KEM's public key
	encSize   = 1120
	boxSize   = KeySize + 16
	maxSkip   = 64 // boxes that may be missing between two
	labelPair = version + "pair"
	labelBox  = "\x01"
	labelStep = "\x02"
)

// Nonce and Hash are those of the protocol.
type (
	Nonce = fields.Nonce
	Hash  = fields.Hash
)

// A pair is two proved sessions, in the direction from who hands out keys to who
// takes them, and one KEM key of the latter's.
type pair struct {
	room, from, to string
	nonce, answers Nonce // from's and to's
	own, other     Hash  // of from's card and to's
	generation     int
	kem            Hash // of the KEM's public key
}

// info returns what HPKE binds the first secret to.
func (p pair) info() []byte {
	var w fields.Writer
	w.WriteString(labelPair + "\n")
	w.Text("room", p.room)
	w.Text("from", p.from)
	w.Text("to", p.to)
	w.Line("nonce", p.nonce.String())
	w.Line("answers", p.answers.String())
	w.Line("own", p.own.String())
	w.Line("other", p.other.String())
	w.Number("generation", p.generation)
	w.Line("kem", p.kem.String())
	return []byte(w.String())
}

// A kem makes the first secret of a pair. Only tests use another than hybrid.
type kem interface {
	// offer returns a new private key, and its public key of kemSize bytes.
	offer() (private secret, public []byte, err error)
	// seal makes a secret for the owner of a public key. enc has encSize bytes.
	seal(public, info []byte) (enc []byte, first secret, err error)
	open(enc []byte, private *secret, info []byte) (first secret, err error)
}

// hybrid is HPKE with ML-KEM-768 and X25519.
type hybrid struct{}

func (hybrid) offer() (private secret, public []byte, err error) {
	k, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return private, nil, err
	}
	seed, err := k.Bytes()
	if err != nil {
		return private, nil, err
	}
	copy(private[:], seed)
	clear(seed)
	return private, k.PublicKey().Bytes(), nil
}

func (hybrid) seal(public, info []byte) ([]byte, secret, error) {
	k, err := hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil {
		return nil, secret{}, err
	}
	enc, s, err := hpke.NewSender(k, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, secret{}, err
	}
	return exported(enc, s.Export)
}

func (hybrid) open(enc []byte, private *secret, info []byte) (secret, error) {
	k, err := hpke.MLKEM768X25519().NewPrivateKey(private[:])
	if err != nil {
		return secret{}, err
	}
	r, err := hpke.NewRecipient(enc, k, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return secret{}, err
	}
	_, first, err := exported(enc, r.Export)
	return first, err
}

func exported(enc []byte, export func(string, int) ([]byte, error)) ([]byte, secret, error) {
	b, err := export(labelPair, KeySize)
	if err != nil {
		return nil, secret{}, err
	}
	defer clear(b)
	return enc, secret(b), nil
}

// A pairChain seals or opens the boxes of one pair, in order.
type pairChain struct {
	secret secret
	serial int // of the last box
}

// next steps the chain and returns the key of the box that has the new serial.
func (p *pairChain) next() secret {
	key := p.secret.derive(labelBox)
	next := p.secret.derive(labelStep)
	p.secret = next
	next.wipe()
	p.serial++
	return key
}

// seal returns the next box with a chain's secret. text is the message's text up to
// the box, with the box's serial.
func (p *pairChain) seal(chainSecret *secret, text string) []byte {
	key := p.next()
	defer key.wipe()
	return boxer(&key).Seal(nil, make([]byte, 12), chainSecret[:], []byte(text))
}

var (
	errSerial = errors.New("a key that came before, or too many are missing")
	errBox    = errors.New("a box that the pair's key does not open")
)

// open opens the box with the given serial, which is greater than those of all that
// were opened before. If that fails, the chain stays where it was.
func (p *pairChain) open(serial int, box []byte, text string) (secret, error) {
	if serial <= p.serial || serial > p.serial+1+maxSkip {
		return secret{}, errSerial
	}
	ahead := *p
	defer ahead.secret.wipe()
	var key secret
	defer key.wipe()
	for ahead.serial < serial {
		key = ahead.next()
	}
	b, err := boxer(&key).Open(nil, make([]byte, 12), box, []byte(text))
	if err != nil || len(b) != KeySize {
		return secret{}, errBox
	}
	defer clear(b)
	*p = ahead
	return secret(b), nil
}

// boxer returns AES-256-GCM. Each key seals one box, so its nonce is zero.
func boxer(key *secret) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("roomkeys: internal error: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("roomkeys: internal error: " + err.Error())
	}
	return aead
}

func hashOf(b []byte) Hash { return sha256.Sum256(b) }
