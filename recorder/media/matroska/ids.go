package matroska

// Element IDs, with their length marker, from RFC 8794 section 11.2 and
// RFC 9559 section 5.1.
const (
	idEBML               = 0x1A45DFA3
	idEBMLVersion        = 0x4286
	idEBMLReadVersion    = 0x42F7
	idEBMLMaxIDLength    = 0x42F2
	idEBMLMaxSizeLength  = 0x42F3
	idDocType            = 0x4282
	idDocTypeVersion     = 0x4287
	idDocTypeReadVersion = 0x4285
	idVoid               = 0xEC
	idCRC32              = 0xBF

	idSegment = 0x18538067

	idSeekHead     = 0x114D9B74
	idSeek         = 0x4DBB
	idSeekID       = 0x53AB
	idSeekPosition = 0x53AC

	idInfo           = 0x1549A966
	idSegmentUUID    = 0x73A4
	idTimestampScale = 0x2AD7B1
	idDuration       = 0x4489
	idDateUTC        = 0x4461
	idTitle          = 0x7BA9
	idMuxingApp      = 0x4D80
	idWritingApp     = 0x5741

	idTracks            = 0x1654AE6B
	idTrackEntry        = 0xAE
	idTrackNumber       = 0xD7
	idTrackUID          = 0x73C5
	idTrackType         = 0x83
	idFlagDefault       = 0x88
	idFlagLacing        = 0x9C
	idName              = 0x536E
	idLanguage          = 0x22B59C
	idCodecID           = 0x86
	idCodecPrivate      = 0x63A2
	idCodecDelay        = 0x56AA
	idSeekPreRoll       = 0x56BB
	idVideo             = 0xE0
	idPixelWidth        = 0xB0
	idPixelHeight       = 0xBA
	idProjection        = 0x7670
	idProjectionType    = 0x7671
	idProjectionRoll    = 0x7675
	idAudio             = 0xE1
	idSamplingFrequency = 0xB5
	idChannels          = 0x9F
	idContentEncodings  = 0x6D80

	idCluster       = 0x1F43B675
	idTimestamp     = 0xE7
	idSimpleBlock   = 0xA3
	idBlockGroup    = 0xA0
	idBlock         = 0xA1
	idBlockDuration = 0x9B
	idReferenceBlk  = 0xFB

	idCues               = 0x1C53BB6B
	idCuePoint           = 0xBB
	idCueTime            = 0xB3
	idCueTrackPositions  = 0xB7
	idCueTrack           = 0xF7
	idCueClusterPosition = 0xF1

	idTags            = 0x1254C367
	idTag             = 0x7373
	idTargets         = 0x63C0
	idTargetTypeValue = 0x68CA
	idTagTrackUID     = 0x63C5
	idSimpleTag       = 0x67C8
	idTagName         = 0x45A3
	idTagString       = 0x4487

	idChapters         = 0x1043A770
	idEditionEntry     = 0x45B9
	idEditionUID       = 0x45BC
	idChapterAtom      = 0xB6
	idChapterUID       = 0x73C4
	idChapterTimeStart = 0x91
	idChapterDisplay   = 0x80
	idChapString       = 0x85
	idChapLanguage     = 0x437C
	idAttachments      = 0x1941A469
)

// Track types, RFC 9559 section 5.1.4.1.3.
const (
	typeVideo    = 1
	typeAudio    = 2
	typeSubtitle = 17
	typeMetadata = 33
)

const (
	codecEvents = "D_WEBVTT/METADATA"
	codecText   = "S_TEXT/UTF8"
)

// flagInvisible is the flag of a block that is decoded and not shown, RFC 9559
// section 10.2.
const flagInvisible = 0x08

// unknownSize is the eight-byte size that says "until something else begins".
const unknownSize = 1<<56 - 1
