package frame

import (
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestVP8Descriptor(t *testing.T) {
	for _, test := range []struct {
		name      string
		payload   string // hex
		start     bool
		partition uint8
		n         int // 0: refused
	}{
		{"plain", "1001", true, 0, 1},
		{"no payload", "10", false, 0, 0},
		{"nothing", "", false, 0, 0},
		{"continued", "0001", false, 0, 1},
		{"partition 7", "1701", true, 7, 1},
		{"reserved and N bits", "7001", true, 0, 1},
		{"X without the byte", "90", false, 0, 0},
		{"X with nothing in it", "900001", true, 0, 2},
		{"short picture ID", "90807f01", true, 0, 3},
		{"long picture ID", "9080ffff01", true, 0, 4},
		{"long picture ID, cut", "9080ff01", false, 0, 0},
		{"picture ID missing", "9080", false, 0, 0},
		{"L", "90400101", true, 0, 3},
		{"T", "90200101", true, 0, 3},
		{"K", "90100101", true, 0, 3},
		{"T and K share a byte", "90300101", true, 0, 3},
		{"all of it", "90f081020520aa", true, 0, 6},
		{"all of it without payload", "90f081020520", false, 0, 0},
	} {
		payload := unhex(t, test.payload)
		d, n, err := parseVP8Descriptor(payload)
		if test.n == 0 {
			if err == nil {
				t.Errorf("%s: accepted as %+v, %d bytes", test.name, d, n)
			}
			continue
		}
		if err != nil || d.start != test.start || d.partition != test.partition || n != test.n {
			t.Errorf("%s: %+v, %d bytes, %v", test.name, d, n, err)
		}
		// pion's parser is a second opinion.
		var p codecs.VP8Packet
		body, err := p.Unmarshal(payload)
		if err != nil || len(body) != len(payload)-n || (p.S == 1) != d.start || p.PID != d.partition {
			t.Errorf("%s: pion finds %d bytes, S %d, PID %d, %v", test.name, len(body), p.S, p.PID, err)
		}
	}
}
