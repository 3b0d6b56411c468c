/** The most characters of a name that usage is summed by: what an index of every store can hold beside the others of its row. */
export const LONGEST_NAME = 255;
