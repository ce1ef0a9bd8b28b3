package media

import (
	"bytes"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Parameter sets come from senders and are hostile. mediacommon parses them with
// limits. mp4ff's own parsers trust the counts in them, so only its records are
// used.

func describeH264(frame []byte) (p Picture) {
	var sps, pps [][]byte
	for nal := range nals(frame) {
		switch avc.GetNaluType(nal[0]) {
		case avc.NALU_IDR:
			p.Key = true
		case avc.NALU_SPS:
			sps = append(sps, nal)
		case avc.NALU_PPS:
			pps = append(pps, nal)
		}
	}
	if len(sps) > 0 {
		s := h264.SPS{ChromaFormatIdc: 1}
		if s.Unmarshal(sps[0]) == nil {
			p.Width, p.Height = s.Width(), s.Height()
		}
		p.Private = avcC(s, sps, pps)
	}
	return p
}

// avcC returns the AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section
// 5.3.3.1), empty if the parameter sets make none.
func avcC(s h264.SPS, sps, pps [][]byte) string {
	if len(pps) == 0 || len(sps) > 31 || len(pps) > 255 || len(sps[0]) < 4 {
		return ""
	}
	c := avc.DecConfRec{
		AVCProfileIndication: sps[0][1], ProfileCompatibility: sps[0][2], AVCLevelIndication: sps[0][3],
		SPSnalus: sps, PPSnalus: pps,
		NoTrailingInfo: true, // mp4ff has it for some of the profiles only
	}
	if c.Size() > MaxPrivate {
		return ""
	}
	var b bytes.Buffer
	if err := c.Encode(&b); err != nil {
		return ""
	}
	if profile := sps[0][1]; profile != 66 && profile != 77 && profile != 88 { // High and above
		b.Write([]byte{0xfc | byte(s.ChromaFormatIdc&3), 0xf8 | byte(s.BitDepthLumaMinus8&7), 0xf8 | byte(s.BitDepthChromaMinus8&7), 0})
	}
	if b.Len() > MaxPrivate {
		return ""
	}
	return b.String()
}
