// What the history says.
import { say } from ".";

say({
  en: {
    history: {
      show: "Show",
      all: "All",
      used: "Used",
      given: "Received",
      none: "Nothing has happened yet.",
      more: "Show more",
      when: "When",
      what: "What",
      amount: "Amount",
      after: "Left after",
    },
  },
  ko: {
    history: {
      show: "보기",
      all: "전체",
      used: "사용",
      given: "지급",
      none: "아직 내역이 없습니다.",
      more: "더 보기",
      when: "일시",
      what: "내용",
      amount: "수량",
      after: "이후 잔액",
    },
  },
});
