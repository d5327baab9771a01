/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The engine: walks a decision diagram that lies in one flat array value, the image.
 *
 * The image is made of 32-bit words. Its header is IMAGE_HEADER_WORDS long (see `enum image_word`); nodes follow. A
 * reference is either the word offset of a node, or, with LEAF set, a leaf: two bits of verdict and the leaf's number.
 * The program is the same for every ruleset; only the image changes. src/domain/classifier/encode.ts writes it.
 *
 * A node's first word is kind << 29 | shift << 24 | field << 16. Keys are inclusive upper bounds of edges, ascending,
 * padded with 0xffffffff; a value takes the first edge whose bound is not below it.
 *
 *   SEARCH_4   1 + 3 keys + 4 children      half a cache line
 *   SEARCH_8   1 + 7 keys + 8 children      one cache line
 *   SEARCH_16  1 + 15 keys + 16 children    two, the keys in the first
 *   TABLE      first, base, last, children: index min((value - base) >> shift, last), 0 below base
 *   MASKED_4   first, mask, 3 keys, 4 children: SEARCH_4 over value & mask
 *   EQUAL      first, key, child where value differs, child where it is equal: a quarter of a cache line
 *
 * The searches add up comparisons instead of branching on them: a mispredicted branch costs more than four compares.
 */
#ifndef SLUICE_ENGINE_H
#define SLUICE_ENGINE_H

#include "key.h"

enum node_kind { SEARCH_4, SEARCH_8, SEARCH_16, TABLE, MASKED_4, EQUAL };

enum image_word {
	IMAGE_MAGIC = 0,
	IMAGE_NEEDS = 3,
	IMAGE_LEAVES = 4,
	IMAGE_ACTIONS = 5, /* word offset of one action number a leaf */
	IMAGE_ROOTS = 8, /* + hook number */
	IMAGE_HEADER_WORDS = 64,
};

#define IMAGE_MAGIC_VALUE 0x534c4345
#define LEAF (1U << 31)
#define LEAF_VERDICT(ref) ((ref) >> 29 & 3)
#define LEAF_NUMBER(ref) ((ref) & 0x1fffffff)

enum verdict { VERDICT_ACCEPT, VERDICT_DROP, VERDICT_NATIVE };

/* Leaf 0 of every image: reached only when the walk does not end, which the compiler rules out. It drops. */
#define LEAF_ERROR (LEAF | VERDICT_DROP << 29)

/* Longer than any image the compiler lets through (MAX_DEPTH in encode.ts). */
#define MAX_STEPS 96

/* The value is IMAGE_SLACK longer than the mask can address, so that no read of a node's words leaves it. */
#define IMAGE_SLACK 256

/* Set by the loader: bytes of the image below the slack, a power of two, minus 4. */
const volatile __u32 image_mask = 0xfffc;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, 4);
	__uint(value_size, 65536 + IMAGE_SLACK);
} image SEC(".maps");

static __always_inline const void *find_image(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&image, &zero);
}

static __always_inline __u32 image_word(const void *words, __u32 word)
{
	return *(const __u32 *)(words + (word * 4 & image_mask));
}

/* 1 when value > bound, without a branch; in assembly because clang would make one of it. */
static __always_inline __u64 above(__u64 bound, __u64 value)
{
	asm("%0 -= %1\n\t%0 >>= 63" : "+r"(bound) : "r"(value));
	return bound;
}

#define ABOVE(i) above(node[1 + (i)], value)
#define ABOVE_4(i) (ABOVE(i) + ABOVE((i) + 1) + ABOVE((i) + 2) + ABOVE((i) + 3))

/*
 * Walks the diagram of a hook to its leaf.
 *
 * A global function: the verifier checks it once, whatever its callers know about the key.
 */
__noinline __u32 classify(struct key *key, __u32 hook)
{
	const void *words = find_image();
	__u32 ref;
	int step;

	if (!words || !key)
		return LEAF_ERROR;
	ref = image_word(words, IMAGE_ROOTS + (hook & 7));
	for (step = 0; step < MAX_STEPS; step++) {
		const __u32 *node;
		__u64 value;
		__u32 first, edge, children;

		if (ref & LEAF)
			return ref;
		node = words + (ref * 4 & image_mask);
		first = node[0];
		value = key->words[first >> 16 & (KEY_WORDS - 1)];
		switch (first >> 29) {
		case SEARCH_4:
			edge = ABOVE(0) + ABOVE(1) + ABOVE(2);
			children = 4;
			break;
		case SEARCH_8:
			edge = ABOVE_4(0) + ABOVE(4) + ABOVE(5) + ABOVE(6);
			children = 8;
			break;
		case SEARCH_16:
			edge = ABOVE_4(0) + ABOVE_4(4) + ABOVE_4(8) + ABOVE(12) + ABOVE(13) + ABOVE(14);
			children = 16;
			break;
		case TABLE:
			edge = value < node[1] ? 0 : (value - node[1]) >> (first >> 24 & 31);
			if (edge > node[2])
				edge = node[2];
			children = 3;
			break;
		case MASKED_4:
			value &= node[1];
			node++;
			edge = ABOVE(0) + ABOVE(1) + ABOVE(2);
			children = 5;
			break;
		case EQUAL:
			edge = above(value ^ node[1], 1);
			children = 2;
			break;
		default:
			return LEAF_ERROR;
		}
		ref = image_word(words, ref + children + edge);
	}
	return LEAF_ERROR;
}

#endif
