package keys

import (
	"errors"
	"slices"
	"strings"
)

// A ground says why a pinned card is trusted: because somebody compared its words,
// or because other keys of the same person approved it, or both. It lies beside the
// card, since an approval is gone from a card that was renewed.
type ground struct {
	words     bool
	approvers []string // verifier keys
}

const (
	groundExt   = ".ground"
	maxGround   = 16 << 10
	groundWords = "words"
	groundBy    = "approved "
)

func (h *Home) groundPath(key string) string {
	return h.membersPath(hashName(key) + groundExt)
}

func (g ground) marshal() []byte {
	var b strings.Builder
	if g.words {
		b.WriteString(groundWords + "\n")
	}
	for _, k := range g.approvers {
		b.WriteString(groundBy + k + "\n")
	}
	return []byte(b.String())
}

func parseGround(b []byte) (g ground, err error) {
	for line := range strings.Lines(string(b)) {
		line, whole := strings.CutSuffix(line, "\n")
		key, by := strings.CutPrefix(line, groundBy)
		switch {
		case whole && line == groundWords:
			g.words = true
			continue
		case whole && by:
			if _, _, err := parseKey(key); err != nil {
				return ground{}, err
			}
			g.approvers = append(g.approvers, key)
			continue
		}
		return ground{}, errors.New("the file is damaged that says why a card is trusted; without it, the card's words are to be compared again")
	}
	return g, nil
}

// with returns g with what more there is.
func (g ground) with(more ground) ground {
	g.words = g.words || more.words
	for _, k := range more.approvers {
		// Who has more approvals than that has enough of them.
		if !slices.Contains(g.approvers, k) && len(g.approvers) < 64 {
			g.approvers = append(slices.Clip(g.approvers), k)
		}
	}
	return g
}

func (g ground) equal(o ground) bool {
	return g.words == o.words && slices.Equal(g.approvers, o.approvers)
}

// judge sets Doubted of each pin. One's own card, and one whose words were compared,
// is vouched for; so is one that a card of the same name approved that is vouched
// for itself, and neither revoked nor unpinned since.
func judge(pins []Pin) {
	vouched := make(map[string]string, len(pins)) // by key: the folded name
	for more := true; more; {
		more = false
		for i := range pins {
			p := &pins[i]
			if _, ok := vouched[p.Key]; ok {
				continue
			}
			if p.Own || p.ground.words || slices.ContainsFunc(p.ground.approvers, func(k string) bool {
				name, ok := vouched[k]
				return ok && name == p.folded && !revokedIn(pins, k)
			}) {
				vouched[p.Key] = p.folded
				more = true
			}
		}
	}
	for i := range pins {
		_, ok := vouched[pins[i].Key]
		pins[i].Doubted = !ok
	}
}

func revokedIn(pins []Pin, key string) bool {
	return slices.ContainsFunc(pins, func(p Pin) bool { return p.Key == key && p.Revoked != nil })
}
