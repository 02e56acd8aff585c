// Which matrices of a decoder are looked up rather than multiplied layer by layer.

/** Token and position tables and the LM head, by the names of GPT-2 and of Llama. */
export function isTable(parameter: string): boolean {
  return /(^|\.)(wte|wpe|embed_tokens|lm_head)\.weight$/.test(parameter);
}
