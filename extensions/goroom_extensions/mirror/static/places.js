/** Places: the channels that are read and the people that are written to, and what was said there. */

import { h } from './dom.js'

/** @typedef {{ UserId: string, Username: string, ChannelId: string }} Person */
/** @typedef {{ value: string, userId: string, username: string, channel: string }} Said */

const LINES = 300
const TAIL = 3

/** One channel, or the two channels between two people. */
export class Place {
  /** Whether something was written that its reader has not seen. */
  isUnread = false
  /** Whether its history was read in another browser, as far as one knows. */
  isOld = false
  /** When its history had come, by `performance.now()`. */
  since = Infinity

  /**
   * @param {'channel' | 'person'} kind
   * @param {Person} person whose channel it is, or whom one writes to
   * @param {string} myId
   */
  constructor(kind, person, myId) {
    this.kind = kind
    this.person = person
    this.myId = myId
    const pair = [`${myId}.${person.UserId}`, `${person.UserId}.${myId}`].sort()
    this.channels = kind === 'channel' ? [person.ChannelId] : [...new Set(pair)]
    /** @type {Map<string, HTMLElement>} */
    this.lists = new Map(this.channels.map((channel) => [channel, h('ol')]))
    /** @type {Map<string, Said[]>} */
    this.tails = new Map()
    /** What its reader has seen last. */
    this.seen = ''
    // The one that both will write to comes last, where two have begun at the same time.
    const lists = [...this.lists.values()].reverse()
    this.element = h('div', {}, ...lists, h('p', { class: 'empty' }, 'Nothing has been said here yet.'))
  }

  get hash() {
    return `#${this.kind}/${this.kind === 'channel' ? this.person.ChannelId : this.person.UserId}`
  }

  get isMine() {
    return this.kind === 'channel' && this.person.UserId === this.myId
  }

  get title() {
    if (this.kind === 'person') return this.person.Username
    return this.isMine ? 'My channel' : `${this.person.Username}’s channel`
  }

  /** The channel that is written to: the first in which something was said, so that two agree. */
  get writing() {
    return this.channels.find((channel) => this.tails.get(channel)?.length)
      ?? this.channels.find((channel) => channel.startsWith(this.myId))
      ?? this.channels[0]
  }

  /**
   * Begin anew: the history of *channel* follows.
   * @param {string} channel
   */
  clear(channel) {
    this.lists.get(channel)?.replaceChildren()
    this.tails.set(channel, [])
    this.since = performance.now() + 1000
  }

  /**
   * @param {string} channel
   * @param {Said} said
   */
  add(channel, said) {
    const list = this.lists.get(channel)
    if (!list) return
    const tail = this.tails.get(channel) ?? []
    const isMine = said.userId === this.myId
    const line = h('li', isMine ? { class: 'mine' } : {})
    if (said.userId !== tail.at(-1)?.userId) line.append(h('b', {}, said.username))
    line.append(h('span', {}, said.value))
    list.append(line)
    if (list.children.length > LINES) list.firstElementChild?.remove()
    this.tails.set(channel, [...tail, said].slice(-TAIL))
    if (isMine || (this.isOld && performance.now() < this.since)) this.note()
    else this.isUnread = this.tail !== this.seen
  }

  /** What was said last, to be told from what was said before. */
  get tail() {
    return JSON.stringify(this.channels.map((channel) => this.tails.get(channel)?.map(({ userId, value }) => [userId, value]) ?? []))
  }

  /** Its reader has seen it all. */
  note() {
    this.seen = this.tail
    this.isUnread = false
  }
}
