"""Every limit on what is read: size, depth, count and time, in one table with the reason beside each.

What lies beyond a limit is refused by name and number before anything is allocated for it. None is a limit of a format:
each lies well above what people really have and below what would hold up the window or fill the memory.
"""

MB = 2**20

# -- bytes of a file
PICTURE_FILE = 1_000_000_000  # a 100-megapixel TIFF with 16 bits a channel has 600 MB
COCO_FILE = 1_000_000_000  # instances_train2017.json has 448 MB; read piece by piece, so only what is kept takes memory
VOC_FILE = 8 * MB  # one picture's boxes: some kB, with outlines of every object some hundred
CONFIG_FILE = 4 * MB  # config.json with the 21,843 names of ImageNet-21k, twice, has 2 MB
LIST_FILE = 64 * MB  # a list of names, one a line: that of ImageNet's 1.3 million pictures has 40 MB
KEPT_FILE = 64 * MB  # what this program wrote itself: settings, results, cards have some kB
HEADER = 4 * MB  # of a safetensors file: some 100 bytes a tensor
PROBE_FILE = 512 * MB  # 20,000 classes with 6,144 features
CIFAR_FILE = 64 * MB  # 10,000 pictures of 3,073 bytes are 31 MB; the packed ones are JPEG

# -- bytes between two places to stop: some 10 ms each
PIECE = 1 * MB  # of JSON, parsed at 50 to 100 MB/s
BLOCK = 4 * MB  # of anything that is only copied
XML_PIECE = 256 * 1024  # of XML, parsed at 20 to 50 MB/s

# -- one thing in a file
JSON_ENTRY = 8 * MB  # one entry of a COCO list is parsed in one go; an outline of 100,000 points has 2 MB
PICTURE_PIXELS = 100_000_000  # 400 MB when decoded
KEPT_PIXELS = 16_000_000  # a larger picture is averaged down: no model looks closer, a window of today has 8 million
TEXT = 500  # characters of a name that is shown: no label has room for more
PACKED_PICTURE = 65_536  # bytes of a JPEG of 32 × 32 pixels: 1 or 2 kB

# -- depth
XML_DEPTH = 50  # VOC has 5
FOLDER_DEPTH = 16  # folders below the one that was given; links to folders are not followed
BOXES_DEPTH = 6  # the same for pictures with boxes: data/VOCdevkit/VOC2007/JPEGImages/train/cam1

# -- counts
XML_NODES = 200_000  # elements of one picture: 20,000 objects
TENSORS = 10_000  # of one model: a DETR-R152 has 1,000; each is looked up in a table of names
SHARDS = 1_000  # files of one model
FOLDER_FILES = 200_000  # pictures of a data set that are listed; ImageNet's 1.3 million would take a minute and 200 MB
FOLDER_ENTRIES = 1_000_000  # names that are looked at in all folders together
LISTED = 2_000  # names in one folder looked at in the window's own thread
PEEKED = 8  # files that the window's own thread looks into, both ends of each
SIZES_COMPARED = 4_000  # pictures whose size is held against their annotation's when a data set is read, evenly spread
CLASSES = 30_000  # of a data set: ImageNet-21k has 21,843
COCO_IMAGES = 5_000_000  # Open Images has 1.9 million
COCO_ENTRIES = 30_000_000  # boxes or results: 2 GB when kept

# -- sizes of a model, as its configuration or card says them
LAYERS = 200  # ViT-22B has 48, a ResNet-152 50 blocks
WIDTH = 16_384  # ViT-22B has 6,144
FFN = 131_072  # ViT-22B has 24,576
HEADS = 256  # ViT-22B has 48
IMAGE_SIDE = 4_096  # pixels; DINOv2 has 518
TOKENS = 4_097  # patches and the class token, a side of 64: one map of one head has 67 MB; DINOv2 has 1,370
DETR_SIDE = 2_048  # pixels of the longer side: 4,096 cells, so the same; DETR has 1,333
QUERIES = 2_000  # DETR has 100, DINO-DETR 900; the matching grows with their cube
LABELS = CLASSES
STAGES = 8  # of a backbone: a ResNet has 4

# -- seconds
LOOK = 0.1  # to tell in the window's own thread what was dropped
PEEK = 65_536  # bytes at both ends of a file that tell what it is
