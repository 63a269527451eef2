// Lists that the API hands out page by page, by a cursor: asked for once here, read as one list by every screen.
import { useInfiniteQuery, type InfiniteData, type QueryKey, type UseInfiniteQueryOptions } from "@tanstack/react-query";

interface Page<Item> {
  items: readonly Item[];
  /** Where the next page begins; null: this was the last one. */
  next: string | null;
}

type Every<Answered, Item, Key extends QueryKey, From> = UseInfiniteQueryOptions<Answered, unknown, Item[], Key, From>;
/** Which list: the generated `…InfiniteOptions` of it. */
type Asked<Answered, Key extends QueryKey, From> = Pick<UseInfiniteQueryOptions<Answered, unknown, InfiniteData<Answered>, Key, From>, "queryKey" | "queryFn">;
type How<Answered, Item, Key extends QueryKey, From> = Pick<Every<Answered, Item, Key, From>, "enabled" | "placeholderData" | "refetchInterval">;

/** Returns a list as far as it was asked for: `data` is its lines, `fetchNextPage` brings more of them. */
export function usePages<Answered extends Page<unknown>, Key extends QueryKey, From>(
  { queryKey, queryFn }: Asked<Answered, Key, From>,
  how: How<Answered, Answered["items"][number], Key, From> = {},
) {
  return useInfiniteQuery<Answered, unknown, Answered["items"][number][], Key, From>({
    ...how,
    queryKey,
    ...(queryFn && { queryFn }),
    // The first page is asked for as the key says; what it leaves open is filled in by the pages that follow.
    initialPageParam: {} as From,
    getNextPageParam: (page) => page.next as From,
    select: linesOf,
  });
}

function linesOf<Item>({ pages }: InfiniteData<Page<Item>>): Item[] {
  return pages.flatMap((page) => page.items);
}
