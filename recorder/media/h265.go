package media

import (
	"bytes"
	"encoding/binary"

	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

func describeH265(frame []byte) (p Picture) {
	var vps, sps, pps [][]byte
	for nal := range nals(frame) {
		if len(nal) < 3 {
			continue
		}
		switch kind := hevc.GetNaluType(nal[0]); {
		case kind >= hevc.NALU_BLA_W_LP && kind <= hevc.NALU_CRA: // random access points
			p.Key = true
		case kind == hevc.NALU_VPS:
			vps = append(vps, nal)
		case kind == hevc.NALU_SPS:
			sps = append(sps, nal)
		case kind == hevc.NALU_PPS:
			pps = append(pps, nal)
		}
	}
	if len(sps) > 0 {
		// A set that the parser does not take in whole may be a good one, with layers
		// that have profiles of their own: then decoders learn the size from the frames.
		s := h265.SPS{ChromaFormatIdc: 1}
		if s.Unmarshal(sps[0]) == nil {
			p.Width, p.Height = s.Width(), s.Height()
		}
		p.Private = hvcC(s, vps, sps, pps)
	}
	return p
}

// hvcC returns the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, section
// 8.3.3.1), empty if the parameter sets make none.
func hvcC(s h265.SPS, vps, sps, pps [][]byte) string {
	// Two bytes of a header, one of layers, twelve of profile, tier and level.
	raw := h264.EmulationPreventionRemove(sps[0])
	if len(raw) < 15 || len(vps) == 0 || len(pps) == 0 {
		return ""
	}
	layers, general := raw[2], raw[3:15]
	c := hevc.DecConfRec{
		ConfigurationVersion:             1,
		GeneralProfileSpace:              general[0] >> 6,
		GeneralTierFlag:                  general[0]>>5&1 == 1,
		GeneralProfileIDC:                general[0] & 0x1f,
		GeneralProfileCompatibilityFlags: binary.BigEndian.Uint32(general[1:]),
		GeneralConstraintIndicatorFlags:  uint64(binary.BigEndian.Uint32(general[5:]))<<16 | uint64(binary.BigEndian.Uint16(general[9:])),
		GeneralLevelIDC:                  general[11],
		ChromaFormatIDC:                  byte(s.ChromaFormatIdc & 3),
		BitDepthLumaMinus8:               byte(s.BitDepthLumaMinus8 & 7),
		BitDepthChromaMinus8:             byte(s.BitDepthChromaMinus8 & 7),
		NumTemporalLayers:                layers>>1&7 + 1,
		TemporalIDNested:                 layers & 1,
		LengthSizeMinusOne:               3,
		// Complete, though they are in the frames too.
		NaluArrays: []hevc.NaluArray{
			hevc.NewNaluArray(true, hevc.NALU_VPS, vps),
			hevc.NewNaluArray(true, hevc.NALU_SPS, sps),
			hevc.NewNaluArray(true, hevc.NALU_PPS, pps),
		},
	}
	if c.Size() > MaxPrivate {
		return ""
	}
	var b bytes.Buffer
	if err := c.Encode(&b); err != nil {
		return ""
	}
	return b.String()
}
